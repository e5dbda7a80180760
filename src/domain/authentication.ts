/** Authentication methods (RFC 8176 section 2). */
export const METHODS = [
  'face',
  'fpt',
  'geo',
  'hwk',
  'iris',
  'kba',
  'mca',
  'mfa',
  'otp',
  'pin',
  'pwd',
  'rba',
  'retina',
  'sc',
  'sms',
  'swk',
  'tel',
  'user',
  'vbm',
  'wia',
] as const;

export type Method = (typeof METHODS)[number];

/** Assurance levels of an authentication: one factor, or several (NIST SP 800-63B). */
export const LEVELS = ['aal1', 'aal2'] as const;

export type Level = (typeof LEVELS)[number];

/** What a proof shows: by which methods the user was authenticated, and at which level. */
export interface ProvenAuthentication {
  readonly amr: readonly Method[];
  readonly acr: Level;
}

/** The latest authentication of the user of a session. A refresh does not change it. */
export interface Authentication {
  /** Empty if unknown. */
  readonly amr: readonly Method[];
  /** Null if unknown. */
  readonly acr: Level | null;
  /** Milliseconds since the epoch. */
  readonly authTime: number;
  /** The generation that the authentication made: 0 for the login, otherwise that of a step-up. */
  readonly generation: number;
}

/** What a password proves. */
export const BY_PASSWORD: ProvenAuthentication = { amr: ['pwd'], acr: 'aal1' };

/**
 * What a password and a code prove together. RFC 8176 has no value for a recovery code, which is a one-time code, too.
 */
export const BY_PASSWORD_AND_CODE: ProvenAuthentication = { amr: ['pwd', 'otp', 'mfa'], acr: 'aal2' };

/**
 * What the code of a second factor proves in a live session. The login showed the first factor: a password, or whatever
 * the trusted backend checked.
 */
export const BY_CODE: ProvenAuthentication = { amr: ['otp', 'mfa'], acr: 'aal2' };

interface UsedPasskey {
  readonly isBackupEligible: boolean;
}

/**
 * What a passkey proves if it had to verify its user: two factors, the key and a PIN or a fingerprint. `user` is the
 * presence of the user (RFC 8176), which every assertion shows.
 */
export function byVerifiedPasskey(passkey: UsedPasskey): ProvenAuthentication {
  return { amr: ['user', keyMethodOf(passkey), 'mfa'], acr: 'aal2' };
}

/** What a password and a passkey prove together: two factors, even if the passkey did not verify its user. */
export function byPasswordAndPasskey(passkey: UsedPasskey): ProvenAuthentication {
  return { amr: ['pwd', 'user', keyMethodOf(passkey), 'mfa'], acr: 'aal2' };
}

function keyMethodOf({ isBackupEligible }: UsedPasskey): Method {
  return isBackupEligible ? 'swk' : 'hwk';
}

/**
 * The claims of an access token about the authentication of its user (RFC 9068 section 2.2.1, RFC 9470). An unknown
 * value has no claim. Tokens of older releases have none of these claims.
 */
export interface AuthenticationClaims {
  /** Seconds since the epoch. */
  readonly auth_time?: number;
  readonly amr?: readonly string[];
  readonly acr?: string;
}

export function authenticationClaims({
  authTime,
  amr,
  acr,
}: Omit<Authentication, 'generation'>): AuthenticationClaims {
  return {
    auth_time: Math.floor(authTime / 1000),
    ...(amr.length > 0 && { amr }),
    ...(acr !== null && { acr }),
  };
}

/** Whether the user was authenticated within the last `maxAge` milliseconds. An unknown time is not recent. */
export function isRecent({ auth_time }: AuthenticationClaims, maxAge: number, now: number): boolean {
  return auth_time !== undefined && now - auth_time * 1000 <= maxAge;
}

/** The claims about the authentication among all claims of an access token. */
export function pickAuthentication({ auth_time, amr, acr }: AuthenticationClaims): AuthenticationClaims {
  return {
    ...(auth_time !== undefined && { auth_time }),
    ...(amr !== undefined && { amr }),
    ...(acr !== undefined && { acr }),
  };
}

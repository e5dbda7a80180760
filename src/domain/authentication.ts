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

/** How the user of a session was authenticated. */
export interface Proven {
  /** Empty if unknown. */
  readonly amr: readonly Method[];
  /** Null if unknown. */
  readonly acr: Level | null;
}

/** The latest authentication of the user of a session. A refresh does not change it. */
export interface Authentication extends Proven {
  /** Milliseconds since the epoch. */
  readonly authTime: number;
}

/** What a password proves. */
export const BY_PASSWORD: Proven = { amr: ['pwd'], acr: 'aal1' };

/**
 * The claims of an access token about the authentication of its user (RFC 9068 section 2.2.1, RFC 9470). An unknown value
 * has no claim, and tokens of older releases have none of them.
 */
export interface AuthenticationClaims {
  /** Seconds since the epoch. */
  readonly auth_time?: number;
  readonly amr?: readonly string[];
  readonly acr?: string;
}

export function authenticationClaims({ authTime, amr, acr }: Authentication): AuthenticationClaims {
  return {
    auth_time: Math.floor(authTime / 1000),
    ...(amr.length > 0 && { amr }),
    ...(acr !== null && { acr }),
  };
}

/** The claims about the authentication among all claims of an access token. */
export function pickAuthentication({ auth_time, amr, acr }: AuthenticationClaims): AuthenticationClaims {
  return {
    ...(auth_time !== undefined && { auth_time }),
    ...(amr !== undefined && { amr }),
    ...(acr !== undefined && { acr }),
  };
}

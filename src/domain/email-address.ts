import { DAY } from './durations.ts';

/**
 * Whether accounts must prove their address. `required`: before a login with a password. `off`: no link is mailed that
 * only proves an address.
 */
export type EmailVerification = 'optional' | 'required' | 'off';

/** The mail address of an account. */
export interface EmailAddress {
  readonly email: string;
  /** When the owner proved to receive mail there, in milliseconds; null: not yet. */
  readonly emailVerifiedAt: number | null;
}

/**
 * What a mailed link does. `verify` proves the address of an account. `change` proves a new address and sets it. `undo`
 * restores the former address, which was verified.
 */
export type EmailLinkPurpose = 'verify' | 'change' | 'undo';

/** How long a link is valid, in milliseconds. */
export const EMAIL_LINK_AGE: Readonly<Record<EmailLinkPurpose, number>> = {
  verify: DAY,
  change: DAY,
  undo: 7 * DAY,
};

/** How long a verified former address stays reserved for its account, in milliseconds. Undo links expire earlier. */
export const RESERVED_FOR = 7 * DAY;

/** The limit for two things: links that prove one address, and requested changes of the address of one account. */
export const EMAIL_LINK_LIMIT = { count: 3, perMilliseconds: DAY };

export function isEmailVerified({ emailVerifiedAt }: Pick<EmailAddress, 'emailVerifiedAt'>): boolean {
  return emailVerifiedAt !== null;
}

/** Whether the account may log in with its password. */
export function mayLogInWithPassword(
  address: Pick<EmailAddress, 'emailVerifiedAt'>,
  verification: EmailVerification,
): boolean {
  return verification !== 'required' || isEmailVerified(address);
}

/** Whether the account gets a link that proves its address. */
export function needsVerification(
  address: Pick<EmailAddress, 'emailVerifiedAt'>,
  verification: EmailVerification,
): boolean {
  return verification !== 'off' && !isEmailVerified(address);
}

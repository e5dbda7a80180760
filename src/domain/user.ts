import { isMailbox } from './mailbox.ts';

/** Somebody with an account of this service. */
export interface User {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly passwordHash: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

const USERNAME = /^[\p{L}\p{M}\p{N}@.+_-]{1,150}$/u;

/**
 * How a name or address is compared: names and addresses are one space, in which case and Unicode form make no
 * difference (NFKC and a case folding, as in RFC 8265 section 3.3).
 */
export function identifierOf(nameOrAddress: string): string {
  return nameOrAddress.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

/** What is wrong with a name and address for a new account, in a sentence, or null. */
export function accountFault(username: string, email: string): string | null {
  if (!isMailbox(email)) return 'body/email must be one mailbox.';
  const name = username.normalize('NFKC');
  if (!USERNAME.test(name)) {
    return 'body/username must be at most 150 letters, digits and @ . + - _';
  }
  if (name.includes('@') && identifierOf(name) !== identifierOf(email)) {
    return 'body/username must not be an address other than body/email.';
  }
  return null;
}

/** Whether the owner of an account has proved to receive mails at its address. No route verifies an address yet. */
export const EMAIL_VERIFIED = false;

/**
 * The name that others may take for the identity of the user, or null. A name that looks like an e-mail address is
 * told only once that address is verified: anyone can register an address that is not theirs.
 */
export function identityOf(
  { username }: Pick<User, 'username'>,
  emailVerified: boolean = EMAIL_VERIFIED,
): string | null {
  return username.includes('@') && !emailVerified ? null : username;
}

/** The identifiers under which an account is found: its name and its address, which may be the same. */
export function identifiersOf({ username, email }: Pick<User, 'username' | 'email'>): string[] {
  return [...new Set([identifierOf(username), identifierOf(email)])];
}

import { type EmailAddress, isEmailVerified } from './email-address.ts';
import { isMailbox } from './mailbox.ts';
import { usernameFault } from './username.ts';

/** What a user may do in addition to using their own account. */
export const ROLES = ['operator'] as const;

export type Role = (typeof ROLES)[number];

/** A user with an account in this service. */
export interface User extends EmailAddress {
  readonly id: string;
  readonly username: string;
  readonly passwordHash: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly roles: readonly Role[];
}

/**
 * The form in which names and addresses are compared. Names and addresses share one namespace. Letter case and Unicode
 * form do not matter (NFKC and case folding, as in RFC 8265 section 3.3).
 */
export function identifierOf(nameOrAddress: string): string {
  return nameOrAddress.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

/** Why the name or address is not valid for a new account, as a sentence; null if both are valid. */
export function accountFault(username: string, email: string): string | null {
  if (!isMailbox(email)) return 'The mail address must be one mailbox.';
  const fault = usernameFault(username);
  if (fault !== null) return `The username ${fault}.`;
  return isOtherAddress({ username, email })
    ? 'The username must not be a mail address other than that of the account.'
    : null;
}

/** Whether the name is a mail address other than that of the account. */
export function isOtherAddress({ username, email }: Pick<User, 'username' | 'email'>): boolean {
  return isAddress(username) && identifierOf(username) !== identifierOf(email);
}

/**
 * The username that other systems may treat as the user's identity, or null. A username that is a mail address is
 * returned only after the address is verified. Otherwise a person could register another person's address.
 */
export function identityOf(user: Pick<User, 'username' | 'email' | 'emailVerifiedAt'>): string | null {
  const { username } = user;
  if (!isAddress(username)) return username;
  return isEmailVerified(user) && !isOtherAddress(user) ? username : null;
}

/** Also true for a name with a full-width or small `@`, because a login with `@` finds it. */
function isAddress(username: string): boolean {
  return identifierOf(username).includes('@');
}

/**
 * The account with another address, which its owner has proved at `at`. A name that is the address of the account
 * changes with the address.
 */
export function withProvenEmail<Account extends Pick<User, 'username' | 'email'>>(
  user: Account,
  email: string,
  at: number,
) {
  return { ...user, username: usernameWith(user, email), email, emailVerifiedAt: at };
}

/** The name of an account that gets the address `email`. */
export function usernameWith(user: Pick<User, 'username' | 'email'>, email: string): string {
  const isNamedByAddress = identifierOf(user.username) === identifierOf(user.email);
  return isNamedByAddress ? email : user.username;
}

/** The identifiers of an account: its name and its address, which may be the same. */
export function identifiersOf({ username, email }: Pick<User, 'username' | 'email'>): string[] {
  return [...new Set([identifierOf(username), identifierOf(email)])];
}

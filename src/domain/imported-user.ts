import { identifierOf, isOtherAddress, type User } from './user.ts';

/** The password hash of an account without a password. It is no hash, so no password matches it. */
export const NO_PASSWORD = 'none';

/**
 * The result for an imported account. `unchanged`: an account with the given id exists. Without a given id: an account
 * with the same name and address exists. `taken`: another account has its name or address, or keeps the address
 * reserved.
 */
export type ImportVerdict = 'created' | 'unchanged' | 'taken';

/** What identifies an account: its id, and its name and address. */
export type AccountKey = Pick<User, 'id' | 'username' | 'email'>;

/**
 * Judges an imported account by the accounts in `found`, which have its id, its name or its address, or keep its
 * address reserved. An account that exists is never changed by an import.
 */
export function judgeImport(
  user: AccountKey,
  hasGivenId: boolean,
  found: readonly AccountKey[],
): ImportVerdict {
  const [first, ...others] = found;
  if (first === undefined) return 'created';
  if (hasGivenId) return found.some(({ id }) => id === user.id) ? 'unchanged' : 'taken';
  return others.length === 0 && hasSameNames(first, user) ? 'unchanged' : 'taken';
}

function hasSameNames(one: AccountKey, other: AccountKey): boolean {
  return (
    identifierOf(one.username) === identifierOf(other.username) &&
    identifierOf(one.email) === identifierOf(other.email)
  );
}

/**
 * Why the name of an account of another system is not accepted, as the end of a sentence; null if it is. The rules for
 * new names do not apply: users must be able to log in as before.
 */
export function importedNameFault({ username, email }: Pick<User, 'username' | 'email'>): string | null {
  if (!/^\P{C}{1,150}$/u.test(username) || username.trim() !== username)
    return 'must be 1 to 150 characters without control, format, private-use and unassigned characters, and not begin or end with a space';
  if (isOtherAddress({ username, email })) return 'must not be an address other than that of the account';
  return null;
}

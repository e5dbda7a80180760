import type { EmailAddress } from './email-address.ts';
import type { FactorKind } from './second-factor.ts';
import type { Role } from './user.ts';
import { isCanonicalUuid } from './user-id.ts';

/** An account as operators see it in a list. Times in milliseconds. */
export interface ListedUser extends EmailAddress {
  readonly id: string;
  readonly username: string;
  readonly createdAt: number;
  readonly roles: readonly Role[];
  /** Null: the user may log in. */
  readonly disabledAt: number | null;
  /** The kinds of the confirmed factors. */
  readonly factors: readonly FactorKind[];
  /** The number of live sessions. */
  readonly sessions: number;
  /** The newest login whose session is still stored; null without one. */
  readonly lastLoginAt: number | null;
}

/** Which accounts a list has, and in which order. */
export type UserFilter =
  /** All accounts, newest first. */
  | { readonly by: 'age' }
  /** The accounts whose name or address begins with `text`, in the form of `identifierOf`, in the order of bytes. */
  | { readonly by: 'identifier'; readonly text: string }
  /** The accounts with ids from `first` to `last`, in the order of ids. */
  | { readonly by: 'id'; readonly first: string; readonly last: string }
  /** The accounts that are disabled, or that have a role, in the order of ids. */
  | { readonly by: 'disabled' }
  | { readonly by: 'role' };

const ZERO_UUID = '00000000-0000-0000-0000-000000000000';

/**
 * The filter of a text that an operator typed. A text is the beginning of an id if a UUID can begin with it, and it has
 * at least eight hexadecimal digits and a hyphen. Any other text is the beginning of a name or address.
 */
export function filterOf(text: string, toIdentifier: (text: string) => string): UserFilter {
  const typed = text.toLowerCase();
  const isId = typed.length <= ZERO_UUID.length && /^[0-9a-f]{8}-/.test(typed) && isBeginningOfId(typed);
  if (!isId) return { by: 'identifier', text: toIdentifier(text) };
  const rest = ZERO_UUID.slice(typed.length);
  return { by: 'id', first: typed + rest, last: typed + rest.replaceAll('0', 'f') };
}

function isBeginningOfId(text: string): boolean {
  return [...text].every((character, index) =>
    ZERO_UUID[index] === '-' ? character === '-' : /[0-9a-f]/.test(character),
  );
}

/** The years that the database and RFC 3339 have in common. Imported accounts can have any of these times. */
const EARLIEST = Date.parse('0001-01-01T00:00:00Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

/** Whether a text can be a position in a list with this filter: see {@link UserDirectory}. */
export function isPosition({ by }: UserFilter, text: string): boolean {
  if (by === 'identifier') return !/\0|\p{Cs}/u.test(text);
  if (by !== 'age') return isCanonicalUuid(text);
  const [, time, id = ''] = /^(-?\d{1,15})\.(.*)$/.exec(text) ?? [];
  return isCanonicalUuid(id) && Number(time) >= EARLIEST && Number(time) <= LATEST;
}

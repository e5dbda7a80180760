import { Refusal } from '../../domain/refusal.ts';
import { identifierOf } from '../../domain/user.ts';
import { filterOf, isPosition, type ListedUser, type UserFilter } from '../../domain/user-directory.ts';
import type { Clock } from '../../ports/clock.ts';
import type { UserDirectory } from '../../ports/stores/user-directory.ts';
import { readUsername } from '../accounts/new-account.ts';

interface Deps {
  readonly userDirectory: UserDirectory;
  readonly clock: Clock;
}

export interface AccountQuery {
  /** The beginning of a name, an address or an id; null or empty: all accounts. */
  readonly query: string | null;
  /** Only the accounts that are disabled, or that have a role; null: all. Not together with `query`. */
  readonly only: 'disabled' | 'operators' | null;
  readonly limit: number;
  readonly cursor: string | null;
}

export interface AccountPage {
  readonly items: readonly ListedUser[];
  /** The cursor of the next page; absent on the last page. */
  readonly nextCursor?: string;
}

export type ListAccounts = (query: AccountQuery) => Promise<AccountPage>;

/**
 * A page of accounts. Rejects with a {@link Refusal} `invalid_request` if the cursor is not valid, or two filters are
 * given.
 */
export const listAccounts =
  ({ userDirectory, clock }: Deps): ListAccounts =>
  async ({ query, only, limit, cursor }) => {
    const filter = readFilter(query, only);
    const after = cursor === null ? null : readPosition(filter, cursor);
    const { users, next } = await userDirectory.list(filter, { now: clock(), limit, after });
    const page = { items: users.map(({ user }) => user) };
    return next === null ? page : { ...page, nextCursor: Buffer.from(next).toString('base64url') };
  };

function readFilter(query: string | null, only: AccountQuery['only']): UserFilter {
  const hasQuery = query !== null && query !== '';
  if (hasQuery && only !== null) throw new Refusal('invalid_request', 'Send query or only, not both.');
  if (hasQuery) return filterOf(query, (text) => identifierOf(readUsername(text)));
  if (only === null) return { by: 'age' };
  return only === 'disabled' ? { by: 'disabled' } : { by: 'role' };
}

function readPosition(filter: UserFilter, cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString();
  if (!isPosition(filter, position))
    throw new Refusal('invalid_request', 'The cursor must be the nextCursor of an earlier answer.');
  return position;
}

export type FindAccount = (userId: string) => Promise<ListedUser | null>;

export const findAccount =
  ({ userDirectory, clock }: Deps): FindAccount =>
  (userId) =>
    userDirectory.find(userId, clock());

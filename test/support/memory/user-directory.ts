import { isConfirmed } from '../../../src/domain/second-factor.ts';
import type { TokenFamily } from '../../../src/domain/token-family.ts';
import { identifiersOf, type User } from '../../../src/domain/user.ts';
import type { ListedUser, UserFilter } from '../../../src/domain/user-directory.ts';
import type { PositionedUser, UserDirectory } from '../../../src/ports/stores/user-directory.ts';
import type { SecuredAccounts } from './second-factors.ts';
import type { StoredStates } from './user-states.ts';

interface Parts {
  readonly users: ReadonlyMap<string, User>;
  readonly states: StoredStates;
  readonly accounts: SecuredAccounts;
  readonly families: ReadonlyMap<string, TokenFamily>;
}

/** The accounts in memory. */
export function createMemoryUserDirectory({ users, states, accounts, families }: Parts): UserDirectory {
  function toListedUser(user: User, now: number): ListedUser {
    const { id, username, email, emailVerifiedAt, createdAt, roles } = user;
    const own = [...families.values()].filter((family) => family.userId === id);
    const live = own.filter(
      ({ revoked, expiresAt, refreshExpiresAt }) =>
        revoked === null && Math.min(expiresAt, refreshExpiresAt) > now,
    );
    const factors = (accounts.get(id)?.factors ?? []).filter(isConfirmed).map(({ kind }) => kind);
    return {
      ...structuredClone({ id, username, email, emailVerifiedAt, createdAt, roles }),
      disabledAt: states.get(id)?.disabledAt ?? null,
      factors: [...new Set(factors)].sort(),
      sessions: live.length,
      lastLoginAt: own.length === 0 ? null : Math.max(...own.map((family) => family.createdAt)),
    };
  }

  /** The position of an account in a list; null if the account is not in the list. */
  function positionOf(filter: UserFilter, user: User): string | null {
    const { id, createdAt, roles } = user;
    switch (filter.by) {
      case 'age':
        return `${createdAt}.${id}`;
      case 'identifier':
        return (
          identifiersOf(user)
            .filter((each) => each.startsWith(filter.text))
            .sort(byBytes)[0] ?? null
        );
      case 'id':
        return id >= filter.first && id <= filter.last ? id : null;
      case 'disabled':
        return states.get(id)?.disabledAt == null ? null : id;
      case 'role':
        return roles.length > 0 ? id : null;
    }
  }

  return {
    async list(filter, { now, limit, after }) {
      const compare = filter.by === 'age' ? byAge : byBytes;
      const found = [...users.values()]
        .flatMap((user): PositionedUser[] => {
          const position = positionOf(filter, user);
          return position === null ? [] : [{ user: toListedUser(user, now), position }];
        })
        .filter(({ position }) => after === null || compare(position, after) > 0)
        .sort((one, other) => compare(one.position, other.position));
      const page = found.slice(0, limit);
      return { users: page, next: found.length > limit ? (page.at(-1)?.position ?? null) : null };
    },

    async find(id, now) {
      const user = users.get(id);
      return user === undefined ? null : toListedUser(user, now);
    },
  };
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** Newest first. */
function byAge(one: string, other: string): number {
  const [[time = '', id = ''], [otherTime = '', otherId = '']] = [one.split('.'), other.split('.')];
  return Number(otherTime) - Number(time) || byBytes(otherId, id);
}

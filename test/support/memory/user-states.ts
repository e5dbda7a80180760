import { isDeepStrictEqual } from 'node:util';
import { originOfChange } from '../../../src/domain/audit.ts';
import { type Claims, mergeClaims } from '../../../src/domain/claims.ts';
import type { TokenFamily } from '../../../src/domain/token-family.ts';
import { initialUserState, type UserState } from '../../../src/domain/user-state.ts';
import type { ChangeEntry } from '../../../src/ports/stores/change-entry.ts';
import type { TokenFamilies } from '../../../src/ports/stores/token-families.ts';
import type { UserStates } from '../../../src/ports/stores/user-states.ts';
import { renewSecurityVersion, type SecuredAccounts } from './second-factors.ts';
import { type Records, recordAbout } from './stored-entry.ts';

/** States by user id. A user id without one has the initial state. */
export type StoredStates = Map<string, UserState>;

interface Parts {
  readonly states: StoredStates;
  readonly accounts: SecuredAccounts;
  readonly families: Map<string, TokenFamily>;
  readonly store: TokenFamilies;
  readonly records: Records;
}

/** The states of users in memory. */
export function createMemoryUserStates({ states, accounts, families, store, records }: Parts): UserStates {
  const stateOf = (userId: string) => states.get(userId) ?? initialUserState(userId);

  function change(userId: string, values: Partial<UserState>, entries: readonly ChangeEntry[]): void {
    recordAbout(records, null, entries);
    states.set(userId, { ...stateOf(userId), ...structuredClone(values) });
  }

  return {
    find: async (userId) => structuredClone(stateOf(userId)),

    async disable(userId, at, entries) {
      if (stateOf(userId).disabledAt !== null) return null;
      change(userId, { disabledAt: at }, entries);
      renewSecurityVersion(accounts, userId);
      const origin = originOfChange(entries);
      return { sessions: await store.revokeAll(userId, { at, reason: 'disabled', except: null, origin }) };
    },

    async enable(userId, entries) {
      if (stateOf(userId).disabledAt === null) return false;
      change(userId, { disabledAt: null }, entries);
      renewSecurityVersion(accounts, userId);
      return true;
    },

    async setClaims(userId, claims, entries) {
      if (isDeepStrictEqual(stateOf(userId).claims, claims)) return false;
      change(userId, { claims }, entries);
      replaceNextClaims(families, userId, claims);
      return true;
    },
  };
}

/**
 * Sets the claims of the next pair of each unrevoked session of a user: `claims` merged with the claims of the session.
 */
export function replaceNextClaims(families: Map<string, TokenFamily>, userId: string, claims: Claims): void {
  for (const family of families.values()) {
    if (family.userId !== userId || family.revoked !== null) continue;
    const nextClaims = mergeClaims(claims, family.sessionClaims);
    families.set(family.tokenFamily, { ...family, nextClaims });
  }
}

import { claimNames, NO_CLAIMS } from '../../../src/domain/claims.ts';
import { judgeImport } from '../../../src/domain/imported-user.ts';
import type { TokenFamily } from '../../../src/domain/token-family.ts';
import { identifiersOf, type User } from '../../../src/domain/user.ts';
import { initialUserState } from '../../../src/domain/user-state.ts';
import type { UserTransfer } from '../../../src/ports/stores/user-transfer.ts';
import type { Reservations } from './email-changes.ts';
import { type Records, recordAbout } from './stored-entry.ts';
import { replaceNextClaims, type StoredStates } from './user-states.ts';

/** Imports and exports accounts in memory. */
export function createMemoryUserTransfer(
  users: Map<string, User>,
  reservations: Reservations,
  states: StoredStates,
  families: Map<string, TokenFamily>,
  records: Records,
): UserTransfer {
  const kinds = new Map<string, number>();
  /** The imported hash of a user, and its kind. */
  const imported = new Map<string, { readonly passwordHash: string; readonly kind: string }>();

  function accountsSharing(user: User, now: number) {
    const wanted = identifiersOf(user);
    const reserved = [...reservations].filter(([, { until }]) => until > now);
    const owners = [
      ...[...users.values()].flatMap((one) => identifiersOf(one).map((identifier) => [identifier, one.id])),
      ...reserved.map(([identifier, { userId }]) => [identifier, userId]),
    ];
    const ids = new Set(owners.flatMap(([identifier = '', id]) => (wanted.includes(identifier) ? [id] : [])));
    return [...ids.add(user.id)].flatMap((id = '') => users.get(id) ?? []);
  }

  return {
    async recordKind({ name, milliseconds }) {
      kinds.set(name, Math.max(milliseconds, kinds.get(name) ?? 0));
    },

    async slowestKind() {
      const inUse = [...imported].filter(
        ([id, { passwordHash }]) => users.get(id)?.passwordHash === passwordHash,
      );
      return Math.max(0, ...inUse.map(([, { kind }]) => kinds.get(kind) ?? 0));
    },

    async store(batch, now, entry) {
      const verdicts = batch.map(({ user, hasGivenId, passwordKind: kind, claims }) => {
        const verdict = judgeImport(user, hasGivenId, accountsSharing(user, now));
        if (verdict !== 'created') return verdict;
        for (const identifier of identifiersOf(user)) reservations.delete(identifier);
        users.set(user.id, { ...user });
        const state = states.get(user.id) ?? initialUserState(user.id);
        if (claimNames(claims).length > 0 && claimNames(state.claims).length === 0) {
          states.set(user.id, { ...state, claims: structuredClone(claims) });
          replaceNextClaims(families, user.id, claims);
        }
        if (kind !== null) imported.set(user.id, { passwordHash: user.passwordHash, kind });
        return verdict;
      });
      const created = verdicts.filter((verdict) => verdict === 'created').length;
      if (created > 0) recordAbout(records, null, [{ ...entry, data: { ...entry.data, created } }]);
      return verdicts;
    },

    async list(after, limit) {
      return [...users.values()]
        .filter(({ id }) => after === null || id > after)
        .sort((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, limit)
        .map((user) => structuredClone({ user, claims: states.get(user.id)?.claims ?? NO_CLAIMS }));
    },
  };
}

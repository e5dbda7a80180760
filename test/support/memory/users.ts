import { originOfChange } from '../../../src/domain/audit.ts';
import { identifiersOf, type User } from '../../../src/domain/user.ts';
import type { ChangeEntry } from '../../../src/ports/stores/change-entry.ts';
import type { EndedSessions, TokenFamilies } from '../../../src/ports/stores/token-families.ts';
import type { PasswordChange, PasswordReset, Users } from '../../../src/ports/stores/users.ts';
import type { Reservations } from './email-changes.ts';
import { removeLinksOf, type StoredLinks } from './email-links.ts';
import {
  forgetFactors,
  hasSecondFactor,
  type MayChange,
  renewSecurityVersion,
  type SecuredAccounts,
} from './second-factors.ts';
import { type Records, recordAbout } from './stored-entry.ts';
import type { StoredLists } from './tasks.ts';

/** Resets by their hashes. */
export type StoredResets = Map<string, PasswordReset>;

export function forgetResetsOf(resets: StoredResets, userId: string): void {
  for (const [token, reset] of resets) if (reset.userId === userId) resets.delete(token);
}

function forgetReservationsOf(reservations: Reservations, userId: string): void {
  for (const [identifier, reservation] of reservations)
    if (reservation.userId === userId) reservations.delete(identifier);
}

/** Accounts in memory. The deletion of an account ends its sessions and removes its tasks. */
export function createMemoryUsers(
  users: Map<string, User>,
  families: TokenFamilies,
  records: Records,
  lists: StoredLists,
  links: StoredLinks,
  resets: StoredResets,
  reservations: Reservations,
  accounts: SecuredAccounts,
  mayChange: MayChange,
): Users {
  const record = (user: User, entries: readonly ChangeEntry[]) => recordAbout(records, user, entries);

  function findOwner(identifier: string): User | undefined {
    return [...users.values()].find((user) => identifiersOf(user).includes(identifier));
  }

  function isTaken(identifier: string, userId: string, now: number): boolean {
    const owner = findOwner(identifier);
    const reservation = reservations.get(identifier);
    const isReserved = reservation !== undefined && reservation.userId !== userId && reservation.until > now;
    return isReserved || (owner !== undefined && owner.id !== userId);
  }

  function forgetFormerAddress(userId: string): void {
    removeLinksOf(links, userId);
    forgetResetsOf(resets, userId);
    forgetReservationsOf(reservations, userId);
  }

  async function change(
    user: User,
    values: PasswordChange,
    entries: readonly ChangeEntry[],
  ): Promise<EndedSessions> {
    users.set(user.id, { ...user, passwordHash: values.passwordHash });
    renewSecurityVersion(accounts, user.id);
    record(user, entries);
    forgetResetsOf(resets, user.id);
    removeLinksOf(links, user.id, ({ purpose }) => purpose === 'change');
    const { at, except } = values;
    const ending = { at, except, reason: 'password_changed', origin: originOfChange(entries) } as const;
    return { sessions: await families.revokeAll(user.id, ending) };
  }

  function userOfValidReset(hashedToken: string, now: number): User | undefined {
    const reset = resets.get(hashedToken);
    return reset !== undefined && reset.expiresAt > now ? users.get(reset.userId) : undefined;
  }

  return {
    async create(user, entries, { verification, reset } = {}) {
      if (identifiersOf(user).some((identifier) => isTaken(identifier, user.id, user.createdAt)))
        return false;
      users.set(user.id, { ...user });
      if (verification !== undefined) links.set(verification.hashedToken, verification);
      if (reset !== undefined) resets.set(reset.hashedToken, reset);
      record(user, entries);
      return true;
    },

    async change(expected, next, { at, verification }, entries) {
      const user = users.get(expected.id);
      const { username, email, emailVerifiedAt } = next;
      const isExpected =
        user?.username === expected.username &&
        user.email === expected.email &&
        user.emailVerifiedAt === expected.emailVerifiedAt;
      if (!isExpected) return 'outdated';
      if (identifiersOf(next).some((identifier) => isTaken(identifier, user.id, at))) return 'taken';
      if (email !== user.email) {
        forgetFormerAddress(user.id);
        renewSecurityVersion(accounts, user.id);
      }
      const changed = { ...user, username, email, emailVerifiedAt };
      users.set(user.id, changed);
      if (verification !== undefined) links.set(verification.hashedToken, verification);
      record(changed, entries);
      return 'changed';
    },

    async find(id) {
      return structuredClone(users.get(id)) ?? null;
    },

    async findByIdentifier(identifier) {
      const user = findOwner(identifier);
      return user === undefined
        ? null
        : { ...structuredClone(user), hasSecondFactor: hasSecondFactor(accounts, user.id) };
    },

    async list(limit) {
      return [...users.values()]
        .sort((one, other) => other.createdAt - one.createdAt || other.id.localeCompare(one.id, 'en'))
        .slice(0, limit)
        .map(({ id, username, email, emailVerifiedAt }) => ({ id, username, email, emailVerifiedAt }));
    },

    async setRoles(id, roles, entries) {
      const user = users.get(id);
      if (user === undefined || user.roles.join() === roles.join()) return false;
      users.set(id, { ...user, roles: [...roles] });
      record(user, entries);
      return true;
    },

    async rehash(id, expected, passwordHash) {
      const user = users.get(id);
      if (user?.passwordHash !== expected) return false;
      users.set(id, { ...user, passwordHash });
      renewSecurityVersion(accounts, id);
      return true;
    },

    async changePassword(id, condition, values, entries) {
      const user = users.get(id);
      return user !== undefined && mayChange(id, condition) ? change(user, values, entries) : null;
    },

    async addReset(reset, entries) {
      const user = users.get(reset.userId);
      if (user === undefined) throw new Error(`User ${reset.userId} does not exist.`);
      resets.set(reset.hashedToken, { ...reset });
      record(user, entries);
    },

    async findReset(hashedToken, now) {
      return structuredClone(userOfValidReset(hashedToken, now)) ?? null;
    },

    async useReset(hashedToken, values, entries) {
      const user = userOfValidReset(hashedToken, values.at);
      if (user === undefined) return null;
      removeLinksOf(links, user.id, ({ purpose }) => purpose === 'verify');
      return change({ ...user, emailVerifiedAt: user.emailVerifiedAt ?? values.at }, values, entries);
    },

    async forgetResets(before, limit) {
      const old = [...resets].filter(([, { expiresAt }]) => expiresAt < before).slice(0, limit);
      for (const [token] of old) resets.delete(token);
      return old.length;
    },

    async remove(id, condition, revocation, entries) {
      const user = users.get(id);
      if (user === undefined || !mayChange(id, condition)) return null;
      users.delete(id);
      lists.delete(id);
      forgetFactors(accounts, id);
      forgetResetsOf(resets, id);
      removeLinksOf(links, id);
      forgetReservationsOf(reservations, id);
      record(user, entries);
      const ending = { ...revocation, except: null, origin: originOfChange(entries) };
      return { sessions: await families.revokeAll(id, ending) };
    },
  };
}

import { randomUUID } from 'node:crypto';
import { changeEntries } from '../../../src/app/change-entries.ts';
import { type AuditEvent, asSystem, type ChangeOrigin, originOfChange } from '../../../src/domain/audit.ts';
import { areEqualClaims, mergeClaims, NO_CLAIMS } from '../../../src/domain/claims.ts';
import { networkOf } from '../../../src/domain/network.ts';
import { DEVICE_KNOWN_FOR } from '../../../src/domain/policy.ts';
import { endOf } from '../../../src/domain/retention.ts';
import { isLive, type TokenFamily } from '../../../src/domain/token-family.ts';
import type { User } from '../../../src/domain/user.ts';
import { productKeyOf } from '../../../src/domain/user-agent.ts';
import type { AccountPageSessions } from '../../../src/ports/stores/account-page-sessions.ts';
import type { AuditLog } from '../../../src/ports/stores/audit-log.ts';
import type { AuditSeals } from '../../../src/ports/stores/audit-seals.ts';
import type { ChangeEntry } from '../../../src/ports/stores/change-entry.ts';
import type { EmailChanges } from '../../../src/ports/stores/email-changes.ts';
import type { EmailLinks } from '../../../src/ports/stores/email-links.ts';
import type { MailBudget } from '../../../src/ports/stores/mail-budget.ts';
import type { DeliveryKind, Outbox } from '../../../src/ports/stores/outbox.ts';
import type { SecondFactors } from '../../../src/ports/stores/second-factors.ts';
import type { Tasks } from '../../../src/ports/stores/tasks.ts';
import type {
  EndedSessions,
  ExpectedFamily,
  Rotation,
  TokenFamilies,
} from '../../../src/ports/stores/token-families.ts';
import type { UserDirectory } from '../../../src/ports/stores/user-directory.ts';
import type { UserStates } from '../../../src/ports/stores/user-states.ts';
import type { UserTransfer } from '../../../src/ports/stores/user-transfer.ts';
import type { Users } from '../../../src/ports/stores/users.ts';
import type { WebhookDeliveries } from '../../../src/ports/stores/webhook-deliveries.ts';
import type { WebhookEndpoints } from '../../../src/ports/stores/webhook-endpoints.ts';
import {
  createMemoryAccountPageSessions,
  prepareCookie,
  type StoredCookies,
} from './account-page-sessions.ts';
import { createMemoryAuditLog } from './audit-log.ts';
import { createMemoryAuditSeals } from './audit-seals.ts';
import { createMemoryEmailChanges, type Reservations } from './email-changes.ts';
import { createMemoryEmailLinks, type StoredLinks } from './email-links.ts';
import { createMemoryMailBudget } from './mail-budget.ts';
import {
  type AnsweredChallenges,
  createConditionCheck,
  createMemorySecondFactors,
  hasSecondFactor,
  prepareChallengeUse,
  prepareProofUse,
  renewSecurityVersion,
  type SecuredAccounts,
} from './second-factors.ts';
import { claimEach, type Records, recordEntry, type StoredEntry } from './stored-entry.ts';
import { createMemoryTasks, type StoredLists } from './tasks.ts';
import { createMemoryUserDirectory } from './user-directory.ts';
import { createMemoryUserStates, type StoredStates } from './user-states.ts';
import { createMemoryUserTransfer } from './user-transfer.ts';
import { createMemoryUsers, forgetResetsOf, type StoredResets } from './users.ts';
import { createMemoryWebhooks } from './webhooks.ts';

/**
 * Families, accounts, tasks and outbox in memory. They keep the contract of the database stores. Every method is
 * atomic because it has no `await` before its changes.
 */
export function createMemoryStores({ sessionsPerUser = Number.POSITIVE_INFINITY } = {}): {
  families: TokenFamilies;
  accountPageSessions: AccountPageSessions;
  users: Users;
  emailLinks: EmailLinks;
  emailChanges: EmailChanges;
  tasks: Tasks;
  outbox: Outbox;
  auditLog: AuditLog;
  auditSeals: AuditSeals;
  mailBudget: MailBudget;
  secondFactors: SecondFactors;
  userTransfer: UserTransfer;
  userDirectory: UserDirectory;
  userStates: UserStates;
  webhookEndpoints: WebhookEndpoints;
  webhookDeliveries: WebhookDeliveries;
} {
  const families = new Map<string, TokenFamily>();
  const users = new Map<string, User>();
  const audit = new Map<string, AuditEvent>();
  const { record, ...webhooks } = createMemoryWebhooks({ outbox: new Map(), audit });
  const entries = createEntries(record);
  const records = { outbox: entries, audit };
  const lists: StoredLists = new Map();
  const links: StoredLinks = new Map();
  const resets: StoredResets = new Map();
  const reservations: Reservations = new Map();
  const accounts: SecuredAccounts = new Map();
  const challenges: AnsweredChallenges = new Map();
  const states: StoredStates = new Map();
  const cookies: StoredCookies = new Map();
  const store = createFamilies(
    families,
    users,
    records,
    { accounts, challenges, states, cookies },
    sessionsPerUser,
  );
  const mayChange = createConditionCheck(users, accounts, families);

  return {
    families: store,
    users: createMemoryUsers(users, store, records, lists, links, resets, reservations, accounts, mayChange),
    accountPageSessions: createMemoryAccountPageSessions(families, cookies),
    emailLinks: createMemoryEmailLinks(links, users, records),
    emailChanges: createMemoryEmailChanges({
      users,
      links,
      reservations,
      records,
      families: store,
      forgetResets: (userId) => forgetResetsOf(resets, userId),
      renewSecurityVersion: (userId) => renewSecurityVersion(accounts, userId),
      mayChange,
    }),
    secondFactors: createMemorySecondFactors(users, store, records, accounts, challenges, states, mayChange),
    userStates: createMemoryUserStates({ states, accounts, families, store, records }),
    tasks: createMemoryTasks(users, lists),
    userDirectory: createMemoryUserDirectory({ users, states, accounts, families }),
    userTransfer: createMemoryUserTransfer(users, reservations, states, families, records),
    outbox: createOutbox(entries),
    auditLog: createMemoryAuditLog(audit),
    auditSeals: createMemoryAuditSeals(audit),
    mailBudget: createMemoryMailBudget(entries),
    ...webhooks,
  };
}

/** The entries of the outbox by id. Calls `onRecord` for each new entry. */
function createEntries(onRecord: (entry: StoredEntry) => void): Map<string, StoredEntry> {
  const entries = new Map<string, StoredEntry>();
  const set = entries.set.bind(entries);
  entries.set = (id, entry) => {
    if (!entries.has(id)) onRecord(entry);
    return set(id, entry);
  };
  return entries;
}

function createFamilies(
  families: Map<string, TokenFamily>,
  users: ReadonlyMap<string, User>,
  records: Records,
  {
    accounts,
    challenges,
    states,
    cookies,
  }: {
    readonly accounts: SecuredAccounts;
    readonly challenges: AnsweredChallenges;
    readonly states: StoredStates;
    readonly cookies: StoredCookies;
  },
  sessionsPerUser: number,
): TokenFamilies {
  const notified = new Set<string>();

  /** Stores the row and its entries. Stores nothing if an entry cannot be recorded. */
  function commit(family: TokenFamily, entries: readonly ChangeEntry[]): void {
    if (entries.some(({ id }) => records.outbox.has(id) || records.audit.has(id)))
      throw new Error('An entry with this id already exists.');
    families.set(family.tokenFamily, structuredClone(family));
    const due = entries.filter((entry) => isDue(family, entry));
    for (const entry of due) {
      if (entry.oncePerDay !== undefined) notified.add(notifiedKey(family, entry));
      recordEntry(records, entry, family);
    }
  }

  /** An entry with `oncePerDay` is recorded once a day for its value, and never for a value in `knownSinceLogin`. */
  function isDue(family: TokenFamily, entry: ChangeEntry): boolean {
    if (entry.oncePerDay === undefined) return true;
    return !family.knownSinceLogin.includes(entry.oncePerDay) && !notified.has(notifiedKey(family, entry));
  }

  function rotate(
    { expected, next, unlessRetryKey }: Rotation,
    authentication: Partial<Pick<TokenFamily, 'authentication'>>,
    entries: readonly ChangeEntry[],
  ): TokenFamily | null {
    const family = families.get(expected.tokenFamily);
    if (family === undefined || family.revoked !== null || family.expiresAt <= next.rotatedAt) return null;
    if (!isAsExpected(family, expected)) return null;
    if (unlessRetryKey !== null && unlessRetryKey === family.retryKeyHash) return null;
    const claims = family.nextClaims ?? family.claims;
    const rotated = { ...family, ...next, ...authentication, claims, nextClaims: null };
    if (deviceOf(family) !== deviceOf(rotated)) rememberDevice(family);
    commit(rotated, entries);
    return structuredClone(rotated);
  }

  /** The time of the last use of each pair of network and product, by user. */
  const devices = new Map<string, Map<string, number>>();

  function rememberDevice(family: TokenFamily): void {
    const known = devices.get(family.userId) ?? new Map<string, number>();
    const device = deviceOf(family);
    const usedAt = Math.max(known.get(device) ?? 0, family.rotatedAt);
    const latest = [...known.set(device, usedAt)].sort(([, one], [, other]) => other - one).slice(0, 50);
    devices.set(family.userId, new Map(latest));
  }

  function isNewDevice(family: TokenFamily): boolean {
    const device = deviceOf(family);
    const since = family.createdAt - DEVICE_KNOWN_FOR;
    const earlier = [...families.values()].filter(({ userId }) => userId === family.userId);
    const known = devices.get(family.userId);
    const isUsed =
      (known?.get(device) ?? 0) > since ||
      earlier.some((one) => one.rotatedAt > since && deviceOf(one) === device);
    return !isUsed && (known !== undefined || earlier.length > 0);
  }

  function listUnrevoked(userId: string, except: string | null): TokenFamily[] {
    return [...families.values()].filter(
      (family) => family.userId === userId && family.revoked === null && family.tokenFamily !== except,
    );
  }

  function revokeEach(
    ending: readonly TokenFamily[],
    revoked: NonNullable<TokenFamily['revoked']>,
    origin: ChangeOrigin,
  ): EndedSessions {
    const live = ending.filter((family) => isLive(family, revoked.at));
    for (const family of ending) {
      const data = { sessionId: family.tokenFamily, userId: family.userId, reason: revoked.reason };
      const event = { type: 'sessions.revoked', occurredAt: revoked.at, data } as const;
      const occurrences = live.includes(family) ? [{ event }] : [];
      commit(endFamily(family, revoked), changeEntries(randomUUID, origin, occurrences));
    }
    return { sessions: live.map(({ tokenFamily }) => tokenFamily) };
  }

  return {
    async open(family, entries, { passwordHash, refuseSecondFactor } = { refuseSecondFactor: false }) {
      if (families.has(family.tokenFamily)) throw new Error(`Family ${family.tokenFamily} already exists.`);
      if (passwordHash !== undefined && users.get(family.userId)?.passwordHash !== passwordHash) return null;
      if (refuseSecondFactor && hasSecondFactor(accounts, family.userId)) return null;
      const state = states.get(family.userId);
      if (state?.disabledAt != null) return 'disabled';
      const claims = mergeClaims(state?.claims ?? NO_CLAIMS, family.sessionClaims);
      const surplus = listUnrevoked(family.userId, null)
        .sort((one, other) => mostRecentFirst(one, other, family.createdAt))
        .slice(sessionsPerUser - 1);
      const isNew = isNewDevice(family);
      rememberDevice(family);
      commit(
        { ...family, claims },
        entries.filter((entry) => isNew || entry.kind === 'audit' || !entry.ifNewDevice),
      );
      const origin = asSystem(originOfChange(entries));
      return { ...revokeEach(surplus, { at: family.createdAt, reason: 'session_limit' }, origin), claims };
    },

    async find(tokenFamily) {
      return structuredClone(families.get(tokenFamily)) ?? null;
    },

    rotate: async (rotation, entries) => rotate(rotation, {}, entries),

    async stepUp({ authentication, proof, hashedCookie, ...rotation }, entries) {
      const { tokenFamily, userId } = rotation.expected;
      const useUp =
        proof.kind === 'password'
          ? () => {}
          : prepareProofUse(accounts, userId, proof, rotation.next.rotatedAt);
      if (proof.kind === 'password' && users.get(userId)?.passwordHash !== proof.passwordHash) return null;
      if (proof.kind === 'password' && hasSecondFactor(accounts, userId)) return null;
      const answered = proof.kind === 'password' ? undefined : proof.challenge;
      const useUpChallenge = answered === undefined ? () => {} : prepareChallengeUse(challenges, answered);
      const replaceCookie =
        hashedCookie === undefined ? () => {} : prepareCookie(cookies, tokenFamily, hashedCookie);
      if (useUp === null || useUpChallenge === null || replaceCookie === null) return null;
      const rotated = rotate(rotation, { authentication }, entries);
      if (rotated === null) return null;
      useUp();
      useUpChallenge();
      replaceCookie();
      return rotated;
    },

    async update({ tokenFamily, userId }, { deviceName, sessionClaims }, entries) {
      const family = families.get(tokenFamily);
      if (family?.userId !== userId || family.revoked !== null) return null;
      const isSameDevice = deviceName === undefined || deviceName === family.deviceName;
      const isSame =
        isSameDevice && (sessionClaims === undefined || areEqualClaims(sessionClaims, family.sessionClaims));
      if (isSame) return null;
      const nextClaims = mergeClaims(states.get(userId)?.claims ?? NO_CLAIMS, sessionClaims ?? NO_CLAIMS);
      const updated = {
        ...family,
        ...(deviceName !== undefined && { deviceName }),
        ...(sessionClaims !== undefined && { sessionClaims, nextClaims }),
      };
      commit(updated, entries);
      return structuredClone(updated);
    },

    async revoke(tokenFamily, revoked, entries) {
      const family = families.get(tokenFamily);
      if (family === undefined || family.revoked !== null) return false;
      commit(endFamily(family, revoked), entries);
      return true;
    },

    async revokeAll(userId, { at, reason, except, origin }) {
      return revokeEach(listUnrevoked(userId, except), { at, reason }, origin).sessions;
    },

    async list(userId, { now, limit, after }) {
      return [...families.values()]
        .filter((family) => userId === null || family.userId === userId)
        .filter((family) => family.revoked === null)
        .filter((family) => Math.min(family.expiresAt, family.refreshExpiresAt) > now)
        .sort(newestFirst)
        .filter((family) => after === null || newestFirst(after, family) < 0)
        .slice(0, limit)
        .map((family) => structuredClone(family));
    },

    async countLive(now, limit) {
      const live = [...families.values()].filter(
        ({ revoked, expiresAt, refreshExpiresAt }) =>
          revoked === null && Math.min(expiresAt, refreshExpiresAt) > now,
      );
      return Math.min(live.length, limit);
    },

    async search(filter, { now, limit, after }) {
      const { userId, state, address, clientId, agent } = filter;
      const isRefreshable = ({ revoked, expiresAt, refreshExpiresAt }: TokenFamily) =>
        revoked === null && Math.min(expiresAt, refreshExpiresAt) > now;
      const found = [...families.values()]
        .filter((family) => userId === null || family.userId === userId)
        .filter((family) => state === 'all' || isRefreshable(family) === (state === 'live'))
        .filter((family) => address === undefined || [family.address, family.loginAddress].includes(address))
        .filter((family) => clientId === undefined || family.clientId === clientId)
        .filter(({ userAgent }) => userAgent.toLowerCase().includes(agent?.toLowerCase() ?? ''))
        .sort(newestFirst)
        .filter((family) => after === null || newestFirst(after, family) < 0);
      const page = found.slice(0, limit).map((family) => structuredClone(family));
      return { families: page, next: found.length > limit ? (page.at(-1) ?? null) : null };
    },

    async record(tokenFamily, entries) {
      const family = families.get(tokenFamily);
      if (family !== undefined) commit(family, entries);
    },

    async purge(endedBefore, limit) {
      const before = Math.min(endedBefore, Date.now());
      const ended = [...families.values()]
        .filter((family) => endOf(family) < before)
        .sort((one, other) => endOf(one) - endOf(other))
        .slice(0, limit);
      for (const family of ended) {
        rememberDevice(family);
        forget(family.tokenFamily);
      }
      return ended.length;
    },

    async forgetDevices(before, limit) {
      const old = [...devices].flatMap(([userId, known]) =>
        [...known].filter(([, usedAt]) => usedAt < before).map(([device]) => [userId, device] as const),
      );
      for (const [userId, device] of old.slice(0, limit)) devices.get(userId)?.delete(device);
      return Math.min(old.length, limit);
    },
  };

  function forget(tokenFamily: string): void {
    families.delete(tokenFamily);
    for (const key of notified) if (key.startsWith(tokenFamily)) notified.delete(key);
  }
}

function deviceOf(family: TokenFamily): string {
  return `${networkOf(family.address)} ${productKeyOf(family)}`;
}

/** The family never ends before its last rotation. */
function endFamily(family: TokenFamily, { at, reason }: NonNullable<TokenFamily['revoked']>): TokenFamily {
  return { ...family, revoked: { at: Math.max(at, family.rotatedAt), reason } };
}

type Ordered = Pick<TokenFamily, 'createdAt' | 'tokenFamily'>;

function newestFirst(one: Ordered, other: Ordered): number {
  return other.createdAt - one.createdAt || other.tokenFamily.localeCompare(one.tokenFamily, 'en');
}

/** The order in which the session limit keeps sessions. Expired sessions come last. */
function mostRecentFirst(one: TokenFamily, other: TokenFamily, now: number): number {
  const isRefreshable = (family: TokenFamily) =>
    Number(Math.min(family.expiresAt, family.refreshExpiresAt) > now);
  return isRefreshable(other) - isRefreshable(one) || other.rotatedAt - one.rotatedAt;
}

function isAsExpected(family: TokenFamily, expected: ExpectedFamily): boolean {
  return (
    family.userId === expected.userId &&
    family.paired === expected.paired &&
    family.confidential === expected.confidential &&
    family.jkt === expected.jkt &&
    family.generation === expected.generation &&
    family.hashedRefreshTokenId === expected.hashedRefreshTokenId &&
    family.scheme === expected.scheme &&
    family.onAddressChange === expected.onAddressChange &&
    family.onUserAgentChange === expected.onUserAgentChange &&
    (family.onUserAgentChange === 'ignore' ||
      (family.userAgent === expected.userAgent && family.productHash === expected.productHash))
  );
}

function notifiedKey(family: TokenFamily, entry: ChangeEntry): string {
  const { occurredAt } = entry.kind === 'audit' ? entry : entry.event;
  return [family.tokenFamily, new Date(occurredAt).toISOString().slice(0, 10), entry.oncePerDay].join(' ');
}

const HOUR = 3_600_000;

function createOutbox(entries: Map<string, StoredEntry>): Outbox {
  const change = (id: string, values: Partial<StoredEntry>) => {
    const entry = entries.get(id);
    if (entry !== undefined) Object.assign(entry, values);
  };

  return {
    async claim(kind, now, leasedUntil, limit) {
      const due = [...entries.values()]
        .filter((entry) => entry.kind === kind && !entry.deadLettered && entry.dueAt <= now)
        .filter((entry) => entry.heldFor === undefined)
        .sort((one, other) => one.dueAt - other.dueAt)
        .slice(0, limit);
      return claimEach(due, leasedUntil);
    },
    async acknowledge(ids) {
      for (const id of ids) entries.delete(id);
    },
    async postpone(postponements) {
      for (const { id, dueAt, isUnroutable = false } of postponements) change(id, { dueAt, isUnroutable });
    },
    async makeDue(type, after, dueAt, limit) {
      const late = [...entries.values()].filter(
        ({ kind, event, deadLettered, dueAt }) =>
          kind === 'event' && event.type === type && !deadLettered && dueAt > after,
      );
      for (const entry of late.slice(0, limit)) Object.assign(entry, { dueAt, isUnroutable: false });
      return Math.min(late.length, limit);
    },
    async deadLetter(id) {
      change(id, { deadLettered: true });
    },
    async backlog(now) {
      return (['event', 'mail'] as const).map((kind) => {
        const alive = [...entries.values()].filter((entry) => entry.kind === kind && !entry.deadLettered);
        const soon = alive.filter(
          ({ dueAt, heldFor }) => dueAt <= (heldFor === undefined ? now + HOUR : now),
        );
        const times = soon.filter(({ isUnroutable }) => !isUnroutable).map(({ event }) => event.occurredAt);
        const oldestAt = times.length > 0 ? Math.min(...times) : null;
        const later = alive.filter(({ dueAt }) => dueAt > now + HOUR);
        const postponed = later.length + soon.length - times.length;
        return { kind, count: times.length, oldestAt, postponed };
      });
    },
    async forget(kind: DeliveryKind, before, limit) {
      const old = [...entries.values()]
        .filter((entry) => entry.kind === kind && entry.event.occurredAt < before)
        .sort((one, other) => one.event.occurredAt - other.event.occurredAt)
        .slice(0, limit);
      for (const { id } of old) entries.delete(id);
      return old.length;
    },
  };
}

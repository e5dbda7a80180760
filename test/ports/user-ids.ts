import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { SYSTEM } from '../../src/domain/audit.ts';
import type { AccountPageSessions } from '../../src/ports/stores/account-page-sessions.ts';
import type { AuditLog } from '../../src/ports/stores/audit-log.ts';
import { entry, hash, NOW, rotationOf, someFamily } from '../support/families.ts';
import { auditEntry } from './audit-log.ts';
import { SESSIONS_PER_USER } from './session-limit.ts';
import type { StateStores } from './user-states.ts';

export interface UserIdStores extends StateStores {
  readonly auditLog: AuditLog;
  readonly accountPageSessions: AccountPageSessions;
}

type Fresh = (t: Test) => Promise<UserIdStores>;

/** User ids of each form that backends use. */
const USER_IDS: Readonly<Record<string, string>> = {
  'a UUID': randomUUID(),
  'a number': '42',
  'a text with punctuation': 'auth0|123',
  'a ULID': '01HV6Z3N5Y8Q2R4T6W8X0Z2B4D',
  'a text of quotes': `o'"\\{},%_$1`,
  '128 characters': 'x'.repeat(128),
  '128 emoji': '🦊'.repeat(128),
  'a text of the form of a derived key': '4043445e-adee-8fff-ffeb-2a5d885af3c1',
};

const ALL = { now: NOW, limit: 100, after: null };
const ALL_EVENTS = { limit: 100, after: null };

/** The contract of every store for user ids: a store returns each id unchanged. */
export async function userIdsContract(t: Test, fresh: Fresh): Promise<void> {
  for (const [name, userId] of Object.entries(USER_IDS)) {
    await t.test(`reads and rotations return ${name} unchanged`, (t) => reads(t, fresh, userId));
    await t.test(`events and the audit log contain ${name} unchanged`, (t) => events(t, fresh, userId));
    await t.test(`${name} has claims and can be disabled`, (t) => states(t, fresh, userId));
    await t.test(`${name} has no more sessions than the limit`, (t) => limit(t, fresh, userId));
  }
  await t.test('ids that differ in case only, or look alike, are different users', (t) => apart(t, fresh));
  await t.test('a user id that is no UUID has no account', (t) => noAccount(t, fresh));
}

async function reads(t: Test, fresh: Fresh, userId: string): Promise<void> {
  const { families, accountPageSessions } = await fresh(t);
  const family = someFamily({ userId });
  const stranger = someFamily();
  for (const each of [family, stranger]) await families.open(each, []);
  t.same(await families.find(family.tokenFamily), family);
  t.same(await families.list(userId, ALL), [family]);
  t.same(
    (await families.list(null, ALL)).map((found) => found.userId).sort(),
    [userId, stranger.userId].sort(),
  );
  t.same((await families.search({ userId, state: 'all' }, ALL)).families, [family]);
  const hashedToken = hash();
  await accountPageSessions.addCookie({ hashedToken, tokenFamily: family.tokenFamily });
  t.equal((await accountPageSessions.find([hashedToken], NOW))?.userId, userId);

  t.equal((await families.update(family, { deviceName: 'phone' }, []))?.userId, userId);
  t.equal(await families.update({ ...family, userId: 'another user' }, { deviceName: 'tv' }, []), null);
  const another = rotationOf({ ...family, userId: 'another user' });
  t.equal(await families.rotate(another, []), null, 'a rotation for another user changes nothing');
  const rotation = rotationOf(family);
  const rotated = await families.rotate(rotation, []);
  t.equal(rotated?.userId, userId);
  t.same(await families.find(family.tokenFamily), rotated);
  const next = rotationOf({ ...family, ...rotation.next });
  t.equal((await families.rotate(next, [entry(family)]))?.userId, userId, 'also a rotation with an event');
}

async function events(t: Test, fresh: Fresh, userId: string): Promise<void> {
  const { families, auditLog, outbox } = await fresh(t);
  const [first, second, third] = [1, 2, 3].map(() => someFamily({ userId })) as [Family, Family, Family];
  for (const family of [first, second, third]) await families.open(family, [auditEntry(family)]);
  const other = someFamily();
  await families.open(other, [auditEntry(other)]);
  await families.record(first.tokenFamily, [auditEntry(first, { type: 'sessions.address_changed' })]);
  await auditLog.record({ ...auditEntry(first), id: randomUUID(), type: 'users.proof_refused' });
  await families.revoke(first.tokenFamily, { at: NOW, reason: 'logout' }, [entry(first)]);
  const ended = await families.revokeAll(userId, {
    at: NOW,
    reason: 'administrator',
    except: third.tokenFamily,
    origin: SYSTEM,
  });
  t.same(ended, [second.tokenFamily]);
  const { events: recorded } = await auditLog.list({ userId }, ALL_EVENTS);
  t.same(recorded.map(({ type }) => type).sort(), [
    'sessions.address_changed',
    'sessions.revoked',
    'sessions.started',
    'sessions.started',
    'sessions.started',
    'users.proof_refused',
  ]);
  t.same([...new Set(recorded.map((event) => event.userId))], [userId]);
  const published = await outbox.claim('event', NOW + 1, NOW + 2, 10);
  t.same(published.map(({ event }) => [event.type, event.data.userId]).sort(), [
    ['sessions.address_changed', userId],
    ['sessions.revoked', userId],
  ]);
}

type Family = ReturnType<typeof someFamily>;

async function states(t: Test, fresh: Fresh, userId: string): Promise<void> {
  const { families, userStates } = await fresh(t);
  const family = someFamily({ userId });
  await families.open(family, []);
  t.equal(await userStates.setClaims(userId, { plan: 'paid' }, []), true);
  t.same(await userStates.find(userId), { userId, disabledAt: null, claims: { plan: 'paid' } });
  t.same((await families.rotate(rotationOf(family), []))?.claims, { plan: 'paid' });
  t.same((await userStates.disable(userId, NOW, []))?.sessions, [family.tokenFamily]);
  t.equal((await userStates.find(userId)).disabledAt, NOW);
  t.equal(await families.open(someFamily({ userId }), []), 'disabled');
  t.equal(await userStates.enable(userId, []), true);
  t.same(await families.open(someFamily({ userId }), []), { sessions: [], claims: { plan: 'paid' } });
}

async function limit(t: Test, fresh: Fresh, userId: string): Promise<void> {
  const { families, outbox } = await fresh(t);
  const full = Array.from({ length: SESSIONS_PER_USER }, (_, n) =>
    someFamily({ userId, rotatedAt: NOW + n }),
  );
  for (const family of full) await families.open(family, []);
  const opened = await families.open(someFamily({ userId, rotatedAt: NOW + 1_000 }), []);
  t.match(opened, { sessions: [full[0]?.tokenFamily] });
  const [published] = await outbox.claim('event', NOW + 10_000, NOW + 20_000, 10);
  t.match(published?.event, { type: 'sessions.revoked', data: { userId, reason: 'session_limit' } });
}

async function apart(t: Test, fresh: Fresh): Promise<void> {
  const { families, userStates } = await fresh(t);
  // The two spellings of `café` look alike: the accented letter is one character, or a letter and an accent.
  const ids = [
    'Ann',
    'ann',
    'caf\u00e9',
    'cafe\u0301',
    '42',
    '042',
    '4043445e-adee-8fff-ffeb-2a5d885af3c1',
    'auth0|123',
  ];
  for (const userId of ids) await families.open(someFamily({ userId }), []);
  for (const userId of ids)
    t.same(
      (await families.list(userId, ALL)).map((family) => family.userId),
      [userId],
    );
  await userStates.disable('Ann', NOW, []);
  t.equal((await userStates.find('ann')).disabledAt, null);
  t.equal((await families.list('ann', ALL)).length, 1);
}

async function noAccount(t: Test, fresh: Fresh): Promise<void> {
  const { users, secondFactors } = await fresh(t);
  t.equal(await users.find('auth0|123'), null);
  t.equal(await secondFactors.find('auth0|123'), null);
  t.equal(await secondFactors.rename('auth0|123', randomUUID(), 'phone', []), false);
}

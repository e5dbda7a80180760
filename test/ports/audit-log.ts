import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { type AuditEvent, byUser, type ChangeOrigin, SYSTEM } from '../../src/domain/audit.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import type {
  AuditEntry,
  AuditFilter,
  AuditLog,
  AuditPosition,
  FoundEvents,
} from '../../src/ports/stores/audit-log.ts';
import { entry, NOW, rotationOf, someAuditEntry, someFamily } from '../support/families.ts';
import type { Stores } from './token-families.ts';

export interface AuditStores extends Stores {
  readonly auditLog: AuditLog;
}

const ORIGIN: ChangeOrigin = byUser({ address: '203.0.113.1', userAgent: 'test/1' });
const ALL = { limit: 100, after: null };

export function auditEntry(family: TokenFamily, values: Partial<AuditEntry> = {}): AuditEntry {
  const { userId, tokenFamily: sessionId } = family;
  const facts = { userId, sessionId, origin: ORIGIN, data: { door: 'canonical' } };
  return someAuditEntry('sessions.started', { ...facts, ...values });
}

function isWanted(event: AuditEvent, { types, userId, sessionId, from, to }: AuditFilter): boolean {
  return (
    (types?.includes(event.type) ?? true) &&
    (userId ?? event.userId) === event.userId &&
    (sessionId ?? event.sessionId) === event.sessionId &&
    event.occurredAt >= (from ?? 0) &&
    event.occurredAt < (to ?? Number.POSITIVE_INFINITY)
  );
}

/** The ids of all events that match, read in pages. */
async function listAll(auditLog: AuditLog, filter: AuditFilter, newestFirst: boolean): Promise<string[]> {
  const ids: string[] = [];
  for (let after: AuditPosition | null = null; ; ) {
    const { events, next }: FoundEvents = await auditLog.list(filter, { limit: 3, after, newestFirst });
    ids.push(...events.map(({ id }) => id));
    if (next === null) return ids;
    after = next;
  }
}

/** The contract of {@link AuditLog}, and of the stores that record in it. */
export async function auditLogContract(t: Test, fresh: (t: Test) => Promise<AuditStores>): Promise<void> {
  await t.test('an event commits with its change, and has the generation after the change', async (t) => {
    const { families, auditLog } = await fresh(t);
    const family = someFamily();
    const [started, moved] = [auditEntry(family), auditEntry(family, { type: 'sessions.address_changed' })];
    await families.open(family, [started]);
    await families.rotate(rotationOf(family), [{ ...moved, occurredAt: NOW + 1 }]);
    const { kind: _kind, ...event } = started;
    const { events: recorded } = await auditLog.list({ sessionId: family.tokenFamily }, ALL);
    t.same(recorded[0], { ...event, generation: 0 });
    t.match(recorded[1], { id: moved.id, generation: 1 });
    t.equal(recorded.length, 2);
  });

  await t.test('a change that does not happen records no event', async (t) => {
    const { families, auditLog } = await fresh(t);
    const family = someFamily();
    await families.open(family, []);
    const stale = rotationOf({ ...family, generation: 5 });
    t.equal(await families.rotate(stale, [auditEntry(family)]), null);
    t.equal(await families.revoke(randomUUID(), { at: NOW, reason: 'logout' }, [auditEntry(family)]), false);
    t.same((await auditLog.list({}, ALL)).events, []);
  });

  await t.test('a change whose event cannot be recorded does not happen', async (t) => {
    const { families, auditLog } = await fresh(t);
    const family = someFamily();
    const started = auditEntry(family);
    await families.open(family, [started]);
    await t.rejects(families.revoke(family.tokenFamily, { at: NOW, reason: 'logout' }, [started]));
    t.equal((await families.find(family.tokenFamily))?.revoked, null);
    t.equal((await auditLog.list({}, ALL)).events.length, 1);
  });

  await t.test('each session that a change ends is recorded with the origin of the change', async (t) => {
    const { families, auditLog } = await fresh(t);
    const userId = randomUUID();
    const sessions = [someFamily({ userId }), someFamily({ userId, generation: 3 })];
    for (const family of sessions) await families.open(family, []);
    const origin: ChangeOrigin = { ...ORIGIN, actor: { kind: 'service_key', name: 'support' } };
    const ending = { at: NOW, reason: 'administrator', except: null } as const;
    await families.revokeAll(userId, { ...ending, origin: { ...origin, statedReason: 'a "stolen" phone' } });
    for (const { tokenFamily, generation } of sessions) {
      const {
        events: [event, ...more],
      } = await auditLog.list({ sessionId: tokenFamily }, ALL);
      t.match(event, {
        type: 'sessions.revoked',
        userId,
        origin,
        generation,
        data: { reason: 'administrator', statedReason: 'a "stolen" phone' },
      });
      t.same(more, []);
    }
  });

  await t.test(
    'an event with a limit is recorded once a day, an event without a limit each time',
    async (t) => {
      const { families, auditLog } = await fresh(t);
      const family = someFamily();
      await families.open(family, []);
      for (const at of [NOW, NOW + 1]) {
        const limited = auditEntry(family, { occurredAt: at, oncePerDay: '198.51.100.7' });
        await families.record(family.tokenFamily, [limited, auditEntry(family, { occurredAt: at })]);
      }
      t.equal((await auditLog.list({}, ALL)).events.length, 3);
    },
  );

  await t.test('the outbox entries and the audit events of one change are stored apart', async (t) => {
    const { families, outbox, auditLog } = await fresh(t);
    const family = someFamily();
    const [delivery, audited] = [entry(family), auditEntry(family, { origin: SYSTEM })];
    await families.open(family, [delivery, audited]);
    t.same(
      (await outbox.claim('event', NOW, NOW, 10)).map(({ id }) => id),
      [delivery.id],
    );
    const { events } = await auditLog.list({}, ALL);
    t.equal(events.length, 1);
    t.match(events, [{ id: audited.id, origin: SYSTEM }]);
  });

  await t.test('pages follow one another without a gap, also among events of one moment', async (t) => {
    const { families, auditLog } = await fresh(t);
    const family = someFamily();
    const entries = [NOW, NOW, NOW, NOW - 1, NOW + 1].map((occurredAt) => auditEntry(family, { occurredAt }));
    await families.open(family, entries);
    const { events: all } = await auditLog.list({}, ALL);
    t.same(
      all.map(({ occurredAt }) => occurredAt - NOW),
      [-1, 0, 0, 0, 1],
    );
    const { events: first, next } = await auditLog.list({}, { limit: 2, after: null });
    const { events: second } = await auditLog.list({}, { limit: 2, after: next });
    const { events: third, next: end } = await auditLog.list({}, { limit: 2, after: second.at(-1) ?? null });
    t.same([...first, ...second, ...third], all);
    t.equal(end, null);
    t.equal(
      (await auditLog.list({}, { limit: 5, after: null })).next,
      null,
      'no page follows a last page that is full',
    );
  });

  await t.test('each filter finds the events that match it, in both orders, page by page', async (t) => {
    const { families, auditLog } = await fresh(t);
    const [family, other] = [someFamily(), someFamily()];
    const types = ['sessions.started', 'sessions.address_changed', 'sessions.reuse_detected'] as const;
    const record = (of: TokenFamily, sessionId = of.tokenFamily) =>
      types.flatMap((type, index) =>
        [0, 1, 1, 2].map((second) =>
          auditEntry(of, { type, sessionId, occurredAt: NOW + second * 1_000 + index }),
        ),
      );
    await families.open(family, [...record(family), ...record(family, randomUUID())]);
    await families.open(other, record(other));
    const ids = { userId: family.userId, sessionId: family.tokenFamily };
    const times = [{}, { from: NOW + 1_000 }, { to: NOW + 1_000 }, { from: NOW + 1, to: NOW + 1_002 }];
    const subjects = [{}, { userId: ids.userId }, { sessionId: ids.sessionId }, ids];
    const kinds = [{}, { types: types.slice(0, 1) }, { types: types.slice(1) }, { types: ['unknown'] }];
    const { events: all } = await auditLog.list({}, ALL);
    t.equal(all.length, 36);
    for (const subject of subjects)
      for (const kind of kinds)
        for (const time of times) {
          const filter = { ...subject, ...kind, ...time };
          const wanted = all.filter((event) => isWanted(event, filter)).map(({ id }) => id);
          for (const newestFirst of [false, true]) {
            const found = await listAll(auditLog, filter, newestFirst);
            t.same(newestFirst ? found.reverse() : found, wanted, JSON.stringify({ filter, newestFirst }));
          }
        }
  });

  await t.test('the wrong passwords of a minute become events with counts after that minute', async (t) => {
    const { auditLog } = await fresh(t);
    const userId = randomUUID();
    const fail = (who: string | null, network: string, at = NOW) =>
      auditLog.countFailedPassword({ userId: who, network, at });
    await Promise.all([1, 2, 3].map(() => fail(userId, '203.0.113.1')));
    await fail(userId, '203.0.113.2');
    await Promise.all([1, 2].map(() => fail(null, '203.0.113.1')));
    await fail(userId, '203.0.113.1', NOW + 60_000);
    const minute = NOW - (NOW % 60_000);
    t.equal(await auditLog.moveFailedPasswordCounts(minute, 100), 0, 'the minute is not over');
    t.equal(await auditLog.moveFailedPasswordCounts(minute + 60_000, 100), 3);
    t.equal(await auditLog.moveFailedPasswordCounts(minute + 60_000, 100), 0);
    const { events } = await auditLog.list({ types: ['users.password_failed'] }, ALL);
    const found = events.map(({ userId: who, origin, data }) => [who, origin.address, data]);
    t.same(
      found.sort(),
      [
        [null, '203.0.113.1', { count: 2, subject: 'unknown' }],
        [userId, '203.0.113.1', { count: 3 }],
        [userId, '203.0.113.2', { count: 1 }],
      ].sort(),
    );
    t.same([...new Set(events.map(({ occurredAt }) => occurredAt))], [minute]);
  });

  await t.test(
    'a flood of wrong passwords on many accounts and networks becomes 1,000 events a minute',
    async (t) => {
      const { auditLog } = await fresh(t);
      for (let n = 0; n < 1_300; n += 50) {
        const failures = Array.from({ length: 50 }, (_, one) => ({
          userId: one % 2 === 0 ? randomUUID() : null,
          network: `10.0.${Math.floor((n + one) / 250)}.${(n + one) % 250}`,
          at: NOW,
        }));
        await Promise.all(failures.map((failure) => auditLog.countFailedPassword(failure)));
      }
      t.equal(await auditLog.moveFailedPasswordCounts(NOW + 60_000, 5_000), 1_000);
      const { events } = await auditLog.list({}, { limit: 5_000, after: null });
      t.equal(
        events.reduce((sum, { data }) => sum + Number(data.count), 0),
        1_300,
        'each attempt is counted',
      );
      t.equal(events.filter(({ data }) => data.subject === 'rest').length, 1);
    },
  );
}

import t, { type Test } from 'tap';
import type { Sql } from '../../src/adapters/postgres/connect.ts';
import { userKey } from '../../src/adapters/postgres/user-key.ts';
import { auditEntry } from '../ports/audit-log.ts';
import { sealUseCases, someHashKey } from '../ports/audit-seals.ts';
import { someFamily } from '../support/families.ts';
import { embeddedStores, postgresStores, type SqlStores } from '../support/open-stores.ts';

const KEYS = [someHashKey('hash-1')];

/** Three seals of three events each. Returns the ids of the events of each seal. */
async function sealEvents(stores: SqlStores) {
  await stores.clear();
  const log = sealUseCases(stores, KEYS);
  const ids: string[][] = [];
  for (let n = 0; n < 3; n += 1) {
    ids.push(await log.record(3));
    await log.seal();
    log.time.now += 1_000;
  }
  const { head } = await log.verify();
  return { ...log, ids, head, id: ids[1]?.[1] ?? '' };
}

type Tampering = (sql: Sql, id: string) => Promise<unknown>;

const COPIED = `id, occurred_at, type, user_id, session_id, actor, actor_name, address, user_agent, generation, data`;

/** Each change to the database, with the fault that verification must find. */
const TAMPERINGS: Record<string, [Tampering, object]> = {
  'a changed address': [
    (sql, id) => sql`update security_events set address = '192.0.2.1' where id = ${id}`,
    { kind: 'event_changed', seal: 2 },
  ],
  'a changed fact': [
    (sql, id) => sql`update security_events set data = '{"door":"x"}' where id = ${id}`,
    { kind: 'event_changed', seal: 2 },
  ],
  'a changed time': [
    (sql, id) => sql`update security_events set occurred_at = occurred_at + interval '1 ms' where id = ${id}`,
    { kind: 'event_changed', seal: 2 },
  ],
  'a removed event': [
    (sql, id) => sql`delete from security_events where id = ${id}`,
    { kind: 'event_removed', seal: 2 },
  ],
  'an event that was taken out of its seal': [
    (sql, id) => sql`update security_events set seal = null where id = ${id}`,
    { kind: 'event_removed', seal: 2 },
  ],
  'an event added to a seal': [
    (sql, id) =>
      sql.unsafe(
        `insert into security_events (${COPIED}, seal) select gen_random_uuid(), ${COPIED.slice(4)}, 2
         from security_events where id = '${id}'`,
      ),
    { kind: 'event_added', seal: 2 },
  ],
  'an event added to a seal that does not exist': [
    (sql, id) =>
      sql.unsafe(
        `insert into security_events (${COPIED}, seal) select gen_random_uuid(), ${COPIED.slice(4)}, 99
         from security_events where id = '${id}'`,
      ),
    { kind: 'event_added', seal: 99 },
  ],
  'a removed seal with its events': [
    (sql) =>
      sql`with gone as (delete from security_events where seal = 2) delete from security_seals where number = 2`,
    { kind: 'seal_missing', seal: 2 },
  ],
  'the removed first seal with its events': [
    (sql) =>
      sql`with gone as (delete from security_events where seal = 1) delete from security_seals where number = 1`,
    { kind: 'seal_missing', seal: 1 },
  ],
  'a changed time of a seal': [
    (sql) => sql`update security_seals set sealed_at = sealed_at + interval '1 ms' where number = 2`,
    { kind: 'seal_changed', seal: 2 },
  ],
  'an event taken out of the list of its seal': [
    (sql) => sql`update security_seals set rows = rows - 0 where number = 3`,
    { kind: 'seal_changed', seal: 3 },
  ],
  'an added seal before the first seal': [
    (sql) =>
      sql`insert into security_seals select -5, key_id, sealed_at, previous, rows, mac from security_seals where number = 1`,
    { kind: 'seal_added', seal: -5 },
  ],
  'a forged mark of a purge': [
    (sql) => sql`
      with last as (delete from security_seals where number = 1 returning mac, key_id),
      gone as (delete from security_events where seal = 1)
      insert into security_seal_mark (number, seal_mac, key_id, mac) select 1, mac, key_id, mac from last`,
    { kind: 'mark_changed', seal: 1 },
  ],
};

async function testTampering(t: Test, stores: SqlStores): Promise<void> {
  for (const [name, [tamper, fault]] of Object.entries(TAMPERINGS))
    await t.test(`${name} is found`, async (t) => {
      const { id, verify } = await sealEvents(stores);
      t.equal((await verify()).fault, null);
      await tamper(stores.sql, id);
      const found = (await verify()).fault;
      t.match(found, fault);
      if ('id' in (found ?? {}) && found?.kind !== 'event_added')
        t.equal(found?.id, id, 'the event is named');
    });

  await t.test('a changed user of an event is found, whatever the form of the user id', async (t) => {
    const userId = 'auth0|123';
    for (const change of [{ user_id_text: null }, { user_id_text: 'ann' }, { user_id: userKey('ann') }]) {
      await stores.clear();
      const { seal, verify } = sealUseCases(stores, KEYS);
      const family = someFamily({ userId });
      const event = auditEntry(family);
      await stores.families.open(family, [event]);
      await seal();
      t.equal((await verify()).fault, null);
      await stores.sql`update security_events set ${stores.sql(change)}`;
      t.match((await verify()).fault, { kind: 'event_changed', id: event.id }, JSON.stringify(change));
    }
  });

  await t.test('a user id that was added as text hides no event of a user with a UUID', async (t) => {
    await stores.clear();
    const family = someFamily();
    const event = auditEntry(family);
    await stores.families.open(family, [event]);
    await stores.sql`update security_events set user_id_text = 'ann'`;
    const { events: found } = await stores.auditLog.list(
      { userId: family.userId },
      { limit: 10, after: null },
    );
    t.match(found, [{ id: event.id, userId: family.userId }]);
  });

  await t.test('the purge removes nothing if a seal was dated back, or names an unknown key', async (t) => {
    for (const change of [`sealed_at = '2000-01-01'`, `sealed_at = '2000-01-01', key_id = 'unknown'`]) {
      const { purge, verify, head, lines } = await sealEvents(stores);
      await stores.sql.unsafe(`update security_seals set ${change} where number <= 2`);
      t.equal(await purge(), 0);
      t.match(lines.at(-1), { err: { message: /^Seal 2 / }, removal: 'audit_events' });
      const { fault, unchecked, events } = await verify(head);
      t.ok(fault !== null || unchecked.length > 0, 'the change is still found');
      t.ok(fault !== null || events === 9, 'and all events are there');
    }
  });

  await t.test('verification with a printed head finds that the last seal was removed', async (t) => {
    const { verify, head } = await sealEvents(stores);
    await stores.sql`delete from security_events where seal = 3`;
    await stores.sql`delete from security_seals where number = 3`;
    t.equal((await verify()).fault, null, 'without the head the chain looks whole');
    t.same((await verify(head)).fault, { kind: 'head_missing', seal: 3 });
  });

  await t.test('verification with a printed head finds that the last seal was replaced', async (t) => {
    const { verify, head, record, seal } = await sealEvents(stores);
    await stores.sql`delete from security_events where seal = 3`;
    await stores.sql`delete from security_seals where number = 3`;
    await record(1);
    await seal();
    t.equal((await verify()).fault, null);
    t.same((await verify(head)).fault, { kind: 'head_changed', seal: 3 });
  });
}

t.test('PostgreSQL', async (t) => {
  const stores = await postgresStores(t);
  if (stores !== null) await testTampering(t, stores);
});

t.test('the embedded database', async (t) => testTampering(t, await embeddedStores(t)));

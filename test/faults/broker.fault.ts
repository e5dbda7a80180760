import type postgres from 'postgres';
import t, { type Test } from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { type PrivateRabbitMq, requirePrivateRabbit, startPrivateRabbit } from '../support/private-rabbit.ts';
import { consumerOf, eventsFrom } from '../support/rabbit.ts';
import { waitUntil } from '../support/wait-until.ts';
import { createRegistrar } from './support/registrations.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/**
 * The broker is down, the service is killed, or no queue is bound. Each event still arrives at least once.
 */

t.test('every event arrives at least once', async (t) => {
  if (!(await requirePostgres(t)) || !requirePrivateRabbit(t)) return;
  const rabbit = await startPrivateRabbit(t);
  await t.test('after the broker was down for 1,000 registrations', (t) =>
    assertDeliveryAfterOutage(t, rabbit),
  );
  await t.test('after the service was killed between a confirmation and the removal of the event', (t) =>
    assertDeliveryAfterKill(t, rabbit),
  );
  await t.test('after its queue was unbound', (t) => assertDeliveryAfterUnbind(t, rabbit));
  await t.test('and only once if two replicas share the work', (t) => assertSharedDelivery(t, rabbit));
});

async function assertDeliveryAfterOutage(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const { sql, env } = await setUp(t, rabbit);
  const service = await start(t, env);
  const registrar = createRegistrar(t, service);
  const well = await registrar.register(300);
  await waitUntil(async () => (await countWaiting(sql)) === 0);
  await rabbit.kill();
  const without = await registrar.register(1_000);
  t.same([well.refused, without.refused], [[], []]);
  t.equal(await countWaiting(sql), 1_000, 'all events wait in the outbox');
  await rabbit.start();
  const since = performance.now();
  const events = await eventsFrom(await consumerOf(t, rabbit.url));
  await waitUntil(async () => new Set(events.map(({ subject }) => subject)).size === 1_300);
  const seconds = (performance.now() - since) / 1000;
  const ids = new Set(events.map(({ id }) => id));
  t.equal(ids.size, 1_300, 'each account has one event id');
  t.same([...new Set(events.map(({ subject }) => subject))].sort(), [...well.ids, ...without.ids].sort());
  await waitUntil(async () => (await countWaiting(sql)) === 0);
  t.comment(
    `broker down: 1000 registrations, backlog 1000, all delivered ${seconds.toFixed(1)} s after it was up again, ` +
      `${events.length - ids.size} duplicates; registration p99 ${well.p99.toFixed(0)} ms with and ` +
      `${without.p99.toFixed(0)} ms without the broker; backlog of 10000: ${await measureDrainRate(sql)} events a second`,
  );
}

/** Publishes a backlog of 10,000 events, and returns the events per second. */
async function measureDrainRate(sql: postgres.Sql): Promise<number> {
  const count = 10_000;
  await insertBacklog(sql, count);
  const since = performance.now();
  await waitUntil(async () => (await countWaiting(sql)) === 0);
  return Math.round((count * 1000) / (performance.now() - since));
}

async function assertDeliveryAfterKill(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const { sql, env } = await setUp(t, rabbit);
  const events = await eventsFrom(await consumerOf(t, rabbit.url));
  const first = await start(t, env);
  // The trigger delays each removal, so the first service removes no delivered entry before it is killed.
  await sql`create function hold() returns trigger language plpgsql as 'begin perform pg_sleep(60); return old; end'`;
  await sql`create trigger hold before delete on outbox for each statement execute function hold()`;
  const { ids } = await createRegistrar(t, first).register(100);
  await waitUntil(async () => events.length === 100);
  await first.kill();
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`;
  await sql`drop trigger hold on outbox`;
  t.equal(await countWaiting(sql), 100);
  await start(t, env);
  await waitUntil(async () => (await countWaiting(sql)) === 0);
  await waitUntil(async () => events.length >= 200);
  t.equal(new Set(events.map(({ id }) => id)).size, 100, 'with the same ids');
  t.same([...new Set(events.map(({ subject }) => subject))].sort(), [...ids].sort(), 'no event is lost');
  t.comment(
    `relay killed between confirmation and removal: 100 events, ${events.length - 100} duplicates, 0 lost`,
  );
}

async function assertDeliveryAfterUnbind(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const { sql, env } = await setUp(t, rabbit);
  const consumer = await consumerOf(t, rabbit.url);
  const events = await eventsFrom(consumer);
  const service = await start(t, env);
  const registrar = createRegistrar(t, service);
  const before = await registrar.register(1);
  await waitUntil(async () => events.length === 1);
  const binding = ['users.created', 'kinship', 'users.created'] as const;
  await consumer.unbindQueue(...binding);
  const without = await registrar.register(50);
  await waitUntil(async () => (await countReturned(sql)).rows === 50);
  t.equal(await countWaiting(sql), 50, 'the events stay in the outbox');
  t.equal(events.length, 1);
  const warnings = () => service.logs().filter((line) => line.includes('no queue takes events of this type'));
  t.equal(warnings().length, 1, 'logged once');
  const { attempts } = await countReturned(sql);
  await consumer.bindQueue(...binding);
  const after = await registrar.register(1);
  await waitUntil(async () => events.length >= 52);
  const received = new Set(events.map(({ subject }) => subject));
  const lost = [...before.ids, ...without.ids, ...after.ids].filter((id) => !received.has(id));
  t.same(lost, []);
  await waitUntil(async () => (await countWaiting(sql)) === 0);
  t.comment(`unbound: 50 events came back ${attempts} times and stayed; bound again, ${lost.length} lost`);
}

async function assertSharedDelivery(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const { sql, env } = await setUp(t, rabbit);
  const events = await eventsFrom(await consumerOf(t, rabbit.url));
  const port = String(Number(env.API_PORT) + 1);
  await Promise.all([start(t, env), start(t, { ...env, API_PORT: port })]);
  await insertBacklog(sql, 5_000);
  const since = performance.now();
  await waitUntil(async () => events.length >= 5_000);
  const seconds = (performance.now() - since) / 1000;
  await waitUntil(async () => (await countWaiting(sql)) === 0);
  t.equal(events.length, 5_000, 'each event is published by one replica');
  t.equal(new Set(events.map(({ id }) => id)).size, 5_000);
  t.comment(`two replicas: 5000 events once each, ${Math.round(5_000 / seconds)} a second`);
}

async function setUp(t: Test, rabbit: PrivateRabbitMq) {
  const url = await testDatabase(t);
  const env = await environment(t, {
    DATABASE_URL: url,
    AMQP_URL: rabbit.url,
    TRUST_PROXY: '127.0.0.1',
    ARGON2_MEMORY: '1024',
    ARGON2_TIME: '2',
  });
  return { sql: connectDirectly(t, url), env };
}

async function insertBacklog(sql: postgres.Sql, count: number): Promise<void> {
  await sql`
    insert into outbox (id, kind, type, data, occurred_at, due_at)
    select gen_random_uuid(), 'event', 'users.created',
      jsonb_build_object('userId', gen_random_uuid(), 'username', 'ann'), now(), now()
    from generate_series(1, ${count})`;
}

async function countWaiting(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`select count(*)::int as count from outbox where kind = 'event'`;
  return row?.count;
}

async function countReturned(sql: postgres.Sql): Promise<{ rows: number; attempts: number }> {
  const [row] = await sql`
    select count(*)::int as rows, coalesce(sum(attempts), 0)::int as attempts
    from outbox where kind = 'event' and last_error is not null`;
  return { rows: row?.rows, attempts: row?.attempts };
}

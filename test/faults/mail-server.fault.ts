import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import t from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { waitUntil } from '../support/wait-until.ts';
import { faultsIn } from './support/checks.ts';
import { type Client, openClient, type Target } from './support/client.ts';
import { percentile, startLoad, totals } from './support/load.ts';
import { createMailServer, type MailServerState } from './support/mail-server.ts';
import { createAgent } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/**
 * The mail server fails in several ways. Refreshes continue, and the mails are sent after it has recovered.
 */

const MAILS_EACH = 5;

t.test('each mail is sent once after the mail server has recovered', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const sql = connectDirectly(t, url);
  const server = await createMailServer(t);
  await server.setState('well');
  const env = await environment(t, {
    DATABASE_URL: url,
    TRUST_PROXY: '127.0.0.1',
    MAIL: '',
    SMTP_SERVER: '127.0.0.1',
    SMTP_PORT: String(server.port),
    SMTP_FROM: 'kinship@example.com',
  });
  const service = await start(t, env);
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: 8 }, () => openClient(service, agent)));
  const travellers: Client[] = [];
  /** Each state of the server has its own recipient, because the mails to a recipient are limited per hour. */
  const openTraveller = async (target: Target) => {
    const traveller = await openClient(target, agent, { email: `ann-${travellers.length}@example.com` });
    travellers.push(traveller);
    return traveller;
  };
  const load = startLoad(clients);
  const times = new Map<MailServerState, string>();
  let address = 0;

  /** Each refresh from a network of which the user was not notified causes a mail. */
  const travel = async (traveller: Client) => {
    address += 1;
    await traveller.rotate({ 'x-forwarded-for': `198.51.100.${address}` });
  };
  const refreshDuring = async (state: MailServerState, isOver: () => Promise<boolean>) => {
    await server.setState(state);
    const traveller = await openTraveller(service);
    const seen = clients.map(({ history }) => history.length);
    for (let mail = 0; mail < MAILS_EACH; mail += 1) await travel(traveller);
    await Promise.all([delay(2_500), waitUntil(isOver)]);
    times.set(state, percentile(timesSince(clients, seen), 0.99).toFixed(0));
  };

  const allSent = async () => (await countWaiting(sql)) === 0;
  await refreshDuring('well', allSent);
  for (const state of ['absent', 'silent', 451, 550] as const) {
    const before = await countFailedAttempts(sql);
    await refreshDuring(state, async () => (await countFailedAttempts(sql)) > before);
    t.equal(server.received.length, MAILS_EACH, `no mail to a server that is ${state}`);
  }
  const started = performance.now();
  await refreshDuring('well', allSent);
  const seconds = (performance.now() - started) / 1000;
  await load.stop();

  t.equal(server.received.length, address, 'every mail');
  t.equal(new Set(server.received).size, address, 'once');
  t.strictSame(await faultsIn([...clients, ...travellers], sql, env), []);
  t.equal(totals([...clients, ...travellers]).unknown, 0);
  t.comment(
    `mail server: ${server.received.length} mails, each sent once, the last ${seconds.toFixed(0)} s after it was ` +
      `well again; refresh p99 ${[...times].map(([state, ms]) => `${ms} ms (${state})`).join(', ')}`,
  );

  await t.test('a silent mail server does not delay a stop', async (t) => {
    await service.stop();
    await server.setState('absent');
    const again = await start(t, env);
    await server.setState('silent');
    const taken = server.connections();
    await travel(await openTraveller(again));
    await waitUntil(async () => server.connections() > taken);
    t.equal(await again.stop(), 0);
  });
});

/** How many mails wait to be sent. */
async function countWaiting(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as count from outbox where kind = 'mail' and buried_at is null`;
  return row?.count;
}

/** The number of attempts for the mails in the outbox whose last attempt failed. */
async function countFailedAttempts(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`
    select coalesce(sum(attempts), 0)::int as count from outbox where kind = 'mail' and last_error is not null`;
  return row?.count;
}

function timesSince(clients: readonly Client[], seen: readonly number[]): number[] {
  return clients.flatMap(({ history }, index) => history.slice(seen[index]).map(({ ms }) => ms));
}

import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import t from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { faultsIn } from './support/checks.ts';
import { openClient } from './support/client.ts';
import { startLoad, totals } from './support/load.ts';
import { ask, connections, post } from './support/request.ts';
import { environment, lookInto, start } from './support/service.ts';

/** F19: a newer release adds columns and changes types while this one is under load. */

const ACCOUNTS = 12;
const CLIENTS = 8;
const PASSWORD = 'a violet piano 42';
const PAUSE = 600;
const TABLES = [
  'token_families',
  'users',
  'user_identifiers',
  'outbox',
  'told_subjects',
  'password_resets',
] as const;

t.test('columns are added under load', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const sql = lookInto(t, url);
  const env = await environment(t, { DATABASE_URL: url, REGISTER_LIMIT: '1000/1h' });
  const service = await start(t, env);
  const agent = connections(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(service, agent)));
  const accounts = await Promise.all(Array.from({ length: ACCOUNTS }, (_, index) => openAccount(index)));

  const stopping = new AbortController();
  const load = startLoad(clients);
  const polling = Promise.all(accounts.map((account) => poll(account)));
  await delay(PAUSE);
  for (const table of TABLES) {
    await sql.unsafe(`alter table ${table} add column added_later integer`);
    await delay(PAUSE);
  }
  // Named columns do not help against a changed type: these statements are refused, and nothing else happens.
  await sql`alter table users alter column username type varchar(400)`;
  await delay(3 * PAUSE);
  stopping.abort();
  const answers = (await polling).flat();
  await load.stop();

  const count = (outcome: string) => answers.filter((answer) => answer === outcome).length;
  t.ok(count('own') > 100, 'the accounts were answered');
  t.equal(count('foreign'), 0, "no answer of another user's");
  t.equal(count('own') + count('503'), answers.length, 'each request was answered or refused with 503');
  t.strictSame(await faultsIn(clients, sql, env), []);
  t.equal(totals(clients).forcedLogouts, 0);
  t.equal(await stuckConnections(sql), 0, 'no connection is stuck');
  const login = await openClient(service, agent);
  await login.rotate();
  t.equal(login.loggedOut(), null, 'a session that begins afterwards is refreshed');
  t.equal(await service.stop(), 0);
  t.comment(
    `schema change: ${TABLES.length} columns added, 1 type changed; ${answers.length} reads, ` +
      `${count('foreign')} wrong, ${count('503')} answered 503; ${totals(clients).rotations} rotations, ` +
      `${totals(clients).forcedLogouts} forced logouts`,
  );

  async function openAccount(index: number) {
    const username = `user${index}`;
    const account = { username, email: `${username}@example.com`, password: PASSWORD };
    const { body } = await post(agent, new URL('/auth/register', service.url), account);
    const login = await post(agent, new URL('/auth/login', service.url), { username, password: PASSWORD });
    return { id: String(body.id), username, access: String(login.body.access) };
  }

  async function poll({ id, username, access }: Awaited<ReturnType<typeof openAccount>>): Promise<string[]> {
    const outcomes: string[] = [];
    while (!stopping.signal.aborted) {
      const headers = { authorization: `Bearer ${access}` };
      const { status, body } = await ask(agent, 'GET', new URL('/auth/me', service.url), undefined, headers);
      const isOwn = body.userId === id && body.username === username;
      outcomes.push(status === 200 ? (isOwn ? 'own' : 'foreign') : String(status));
      await delay(Math.random() * 10);
    }
    return outcomes;
  }
});

async function stuckConnections(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
      and (state like 'idle in transaction%' or state = 'active' and wait_event = 'ClientRead')`;
  return row?.count;
}

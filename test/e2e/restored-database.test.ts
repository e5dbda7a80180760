import t, { type Test } from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { claimsOf } from '../support/forge.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

interface Answer {
  readonly status: number;
  readonly body: Record<string, string>;
}

t.test('a restored database does not revive a session whose end a running replica remembers', async (t) => {
  if (!(await requirePostgres(t))) return;
  const database = await testDatabase(t);
  const env = { DATA_DIR: await dataDir(t), DATABASE_URL: database, MAIL: 'off' };
  const [one, other] = [await startServiceInProcess(t, env), await startServiceInProcess(t, env)];
  const sql = connect({ kind: 'url', url: database, pool: 1 });
  t.teardown(() => sql.end());

  const first = await Promise.all([logIn(one.url), logIn(one.url), logIn(one.url)]);
  await sql`create table backup as select * from token_families`;
  const [lives, ended, endedToo] = await Promise.all(first.map((pair) => rotateTwice(one.url, pair)));
  for (const pair of [ended, endedToo]) {
    t.equal((await post(`${one.url}/auth/logout`, { refreshToken: pair?.body.refresh })).status, 204);
    await waitForValue('the other replica to refuse the session', async () =>
      (await me(other.url, pair)) === 401 ? true : undefined,
    );
  }
  await restore(sql);
  t.same(await listEnded(sql), [], 'the restored rows are not revoked');

  await assertStaysEnded(t, sql, one.url, ended, 'the replica that ended it');
  await assertStaysEnded(t, sql, other.url, endedToo, 'the replica that got the revocation from its feed');
  t.same(await listEnded(sql), [ended, endedToo].map(sessionOf).sort(), 'the rows are revoked again');

  t.equal((await refresh(other.url, lives)).status, 200, 'a token of a lost rotation heals a live session');
  t.same(await listHealed(sql), [sessionOf(lives)]);
  const newcomer = await startServiceInProcess(t, env);
  for (const pair of [ended, endedToo]) {
    t.equal(
      (await refresh(newcomer.url, pair)).body.code,
      'session_revoked',
      'on a replica that started after the restore',
    );
    t.equal(await me(newcomer.url, pair), 401);
  }
});

/** Asserts that the session stays ended. Its newest token is two rotations ahead of the row. Without the memory of the
 * replica, that token would heal the session. */
async function assertStaysEnded(t: Test, sql: Sql, url: string, pair: Answer | undefined, by: string) {
  const row = () => sql`select generation from token_families where token_family = ${sessionOf(pair)}`;
  t.same([...(await row())], [{ generation: 0 }]);
  t.equal(await me(url, pair), 401, by);
  t.match(await refresh(url, pair), { status: 401, body: { code: 'session_revoked' } }, by);
  t.same([...(await row())], [{ generation: 0 }], `${by} has not healed it`);
}

/** Restores the rows as they were at the backup. */
async function restore(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`delete from token_families`;
    await tx`insert into token_families select * from backup`;
  });
}

async function rotateTwice(url: string, pair: Answer): Promise<Answer> {
  return refresh(url, await refresh(url, pair));
}

async function listEnded(sql: Sql): Promise<string[]> {
  const rows = await sql`
    select token_family from token_families where revoked_reason = 'logout' order by token_family`;
  return rows.map((row) => row.token_family);
}

async function listHealed(sql: Sql): Promise<string[]> {
  const rows = await sql`select data ->> 'sessionId' as session from outbox where type = 'sessions.healed'`;
  return rows.map((row) => row.session);
}

const logIn = (url: string) => post(`${url}/auth/login?userId=${USER}`);

const refresh = (url: string, pair?: Answer) =>
  post(`${url}/auth/refresh`, { refreshToken: pair?.body.refresh, accessToken: pair?.body.access });

async function me(url: string, pair?: Answer): Promise<number> {
  const headers = { authorization: `Bearer ${pair?.body.access}` };
  return (await fetch(`${url}/auth/me`, { headers })).status;
}

async function post(url: string, body: object = {}): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}

function sessionOf(pair?: Answer): string {
  return String(claimsOf(pair?.body.refresh ?? '').tokenFamily);
}

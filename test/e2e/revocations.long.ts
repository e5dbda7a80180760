import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { requireNginx, startNginx } from '../support/nginx.ts';
import { POOLED_ROLE } from '../support/pgbouncer.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase, testRole } from '../support/postgres.ts';
import { isAbout, isReady, readRevocations } from '../support/revocation-reader.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { proxyTo } from '../support/tcp-proxy.ts';

const KEY = 'a-key-of-a-resource-server-of-32-characters';

async function environment(t: Test, more: Readonly<Record<string, string>> = {}) {
  return {
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testRole(t, await testDatabase(t), POOLED_ROLE),
    LOGIN_BY_USER_ID: 'open',
    MAIL: 'off',
    SERVICE_API_KEYS: `shop:verify:${KEY}`,
    ...more,
  };
}

async function logIn(url: string) {
  const response = await fetch(`${url}/auth/login?userId=${randomUUID()}`, { method: 'POST' });
  const { access } = (await response.json()) as { access: string };
  return { sid: String(claimsOf(access).sid), headers: { authorization: `Bearer ${access}` } };
}

const logOut = async (url: string, { headers }: { readonly headers: Record<string, string> }) =>
  (await fetch(`${url}/auth/logout`, { method: 'POST', headers })).status;

for (const [feed, pooler] of [
  ['notifications', 'session'],
  ['polling', 'transaction'],
] as const) {
  t.test(`the end of a session on one replica arrives on the streams of both (feed: ${feed})`, async (t) => {
    if (!(await requirePostgres(t))) return;
    const env = await environment(t, { DATABASE_POOLER: pooler });
    const [one, other] = [await startServiceInProcess(t, env), await startServiceInProcess(t, env)];
    const before = await logIn(one.url);
    t.equal(await logOut(one.url, before), 204);
    const readers = await Promise.all([one, other, other].map(({ url }) => readRevocations(t, url, KEY)));
    const sessions = await Promise.all(Array.from({ length: 20 }, () => logIn(one.url)));
    for (const session of sessions) t.equal(await logOut(one.url, session), 204);
    for (const reader of readers) {
      await reader.until(isReady);
      for (const { sid } of sessions) await reader.until(isAbout(sid));
      t.equal(reader.events.filter(isAbout(before.sid)).length, 1, 'the session that ended before');
      t.equal(new Set(reader.events).size, reader.events.length, 'no event comes twice');
    }
    const late = await readRevocations(t, other.url, KEY);
    await late.until(isReady);
    t.same(
      late.events.slice(0, -1).sort(),
      readers[0]?.events.filter((event) => event.startsWith('data:')).sort(),
      'a new stream begins with all earlier revocations',
    );
    await one.close();
    t.equal(await readers[0]?.closed, 'ended', 'the stopping replica closes its stream');
  });
}

t.test('a replica that loses the database closes its streams, and opens new ones later', async (t) => {
  if (!(await requirePostgres(t))) return;
  const env = await environment(t);
  const { proxy, url: through } = await proxyTo(t, env.DATABASE_URL);
  const healthy = await startServiceInProcess(t, env);
  const cut = await startServiceInProcess(t, { ...env, DATABASE_URL: through });
  const [kept, lost] = [await readRevocations(t, healthy.url, KEY), await readRevocations(t, cut.url, KEY)];
  await lost.until(isReady);
  proxy.refuse(true);
  proxy.cut();
  t.equal(await lost.closed, 'ended');
  t.equal((await readRevocations(t, cut.url, KEY)).status, 503);
  const session = await logIn(healthy.url);
  t.equal(await logOut(healthy.url, session), 204);
  await kept.until(isAbout(session.sid));
  proxy.refuse(false);
  let back = await readRevocations(t, cut.url, KEY);
  while (back.status === 503) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    back = await readRevocations(t, cut.url, KEY);
  }
  await back.until(isReady);
  t.ok(back.events.some(isAbout(session.sid)), 'the new stream has what the replica missed');
});

t.test('nginx with its defaults passes each event at once', async (t) => {
  if (!requireNginx(t) || !(await requirePostgres(t))) return;
  const service = await startServiceInProcess(t, await environment(t, { TRUST_PROXY: '127.0.0.1' }));
  const port = await freePort();
  const site = `server { listen 127.0.0.1:${port}; location / { proxy_pass ${service.url}; } }`;
  await startNginx(t, site, port);
  const url = `http://127.0.0.1:${port}`;
  const reader = await readRevocations(t, url, KEY);
  await reader.until(isReady);
  for (let round = 0; round < 5; round += 1) {
    const session = await logIn(url);
    t.equal(await logOut(url, session), 204);
    await reader.until(isAbout(session.sid));
  }
});

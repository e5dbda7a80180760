import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { scrape } from '../support/exposition.ts';
import { PASSWORD } from '../support/passwords.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

type Body = Readonly<Record<string, string>>;

async function post(url: string, body?: Body, headers: Body = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Body };
}

async function environment(t: Test): Promise<Body> {
  return {
    DATABASE_URL: await testDatabase(t),
    DATA_DIR: t.testdir(),
    MAIL: 'off',
    LOGIN_BY_USER_ID: 'open',
  };
}

t.test('metrics count requests and sessions, and contain no secret', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url, metrics } = await startServiceInProcess(t, await environment(t));
  const ann = { username: 'canary-ann', email: 'canary@example.com', password: PASSWORD };
  const refresh = ({ body }: { body: Body }, key: string) =>
    post(
      `${url}/auth/refresh`,
      { refreshToken: body.refresh ?? '', accessToken: body.access ?? '' },
      { 'idempotency-key': key },
    );

  t.equal((await post(`${url}/auth/register`, ann)).status, 201);
  t.equal((await post(`${url}/auth/register`, ann)).status, 409);
  t.equal((await post(`${url}/auth/login`, { ...ann, password: 'canary of another' })).status, 400);
  t.equal(
    (await post(`${url}/auth/login`, { username: 'canary-ann', password: 'canary of another' })).status,
    401,
  );
  const first = await post(`${url}/auth/login`, { username: 'canary-ann', password: PASSWORD });
  t.equal((await post(`${url}/auth/login?userId=${USER}`)).status, 200);
  const second = await refresh(first, 'one');
  t.same((await refresh(first, 'one')).status, 200, 'a retry after a lost answer');
  t.equal((await refresh(first, 'two')).body.code, 'token_reused');
  t.equal((await refresh(second, 'three')).body.code, 'session_revoked');
  t.equal(
    (await refresh({ body: { refresh: 'canary.canary.canary' } }, 'four')).body.code,
    'malformed_token',
  );

  const series = await scrape(metrics);
  const expected = {
    auth_registers_success_total: 1,
    'auth_registers_failed_total{reason="conflict"}': 1,
    auth_logins_success_total: 2,
    'auth_logins_failed_total{reason="invalid_credentials"}': 1,
    auth_refresh_success_total: 2,
    'auth_refresh_failed_total{reason="token_reused"}': 1,
    'auth_refresh_failed_total{reason="session_revoked"}': 1,
    'auth_refresh_failed_total{reason="malformed_token"}': 1,
    'kinship_refreshes_total{outcome="rotated"}': 1,
    'kinship_refreshes_total{outcome="repeated"}': 1,
    'kinship_refreshes_total{outcome="healed"}': 0,
    'kinship_refreshes_total{outcome="token_reused"}': 1,
    kinship_reuse_detected_total: 1,
    'kinship_replayed_token_age_seconds_count{answer="repeated"}': 1,
    'kinship_replayed_token_age_seconds_count{answer="reused"}': 1,
    'http_requests_total{method="POST",path="/auth/login",status="400"}': 1,
    'http_requests_total{method="POST",path="/auth/login",status="401"}': 1,
    'http_requests_total{method="POST",path="/auth/login",status="200"}': 2,
    'http_request_duration_seconds_count{method="POST",path="/auth/refresh"}': 5,
    kinship_database_up: 1,
    kinship_revocation_feed_complete: 1,
    kinship_password_hashes_running: 0,
    kinship_password_hashes_waiting: 0,
    'kinship_shed_requests_total{reason="database"}': 0,
  };
  t.same(Object.fromEntries(Object.keys(expected).map((name) => [name, series.get(name)])), expected);
  for (const name of [
    'kinship_store_calls_in_flight',
    'kinship_store_calls_failed_total{outcome="nothing"}',
    'kinship_store_call_duration_seconds_count{store="users"}',
    'nodejs_eventloop_lag_p99_seconds',
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
  ])
    t.type(series.get(name), 'number', name);
  const text = await (await fetch(metrics)).text();
  for (const secret of [USER, ...tokensOf(first), ...tokensOf(second)]) t.notOk(text.includes(secret));
  t.notMatch(text, 'canary');
  t.notMatch(text, PASSWORD);
});

const tokensOf = ({ body }: { body: Body }) => [body.access ?? '-', body.refresh ?? '-'];

t.test('refusals by a limit are counted per limited action', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url, metrics } = await startServiceInProcess(t, {
    ...(await environment(t)),
    ARGON2_MEMORY: '1024',
  });
  const guess = () => post(`${url}/auth/login`, { username: 'bob', password: 'a wrong guess' });
  while ((await guess()).status === 401);
  const series = await scrape(metrics);
  t.equal(series.get('kinship_limited_total{action="password"}'), 1);
  t.equal(series.get('auth_logins_failed_total{reason="too_many_requests"}'), 1);
});

t.test('in production /metrics requires a service key or a separate port', async (t) => {
  if (!(await requirePostgres(t))) return;
  const key = () => randomBytes(64).toString('base64url');
  const [metricsKey, loginKey] = [key(), key()];
  const env = {
    ...(await environment(t)),
    NODE_ENV: 'production',
    ACCESS_TOKEN_SIGN_KEY: key(),
    REFRESH_TOKEN_SIGN_KEY: key(),
    REFRESH_TOKEN_HASH_KEY: key(),
    DATA_ENCRYPTION_KEY: key(),
    PUBLIC_URL: 'https://auth.example.com',
    LOGIN_BY_USER_ID: 'key',
    SERVICE_API_KEYS: `prometheus:metrics:${metricsKey},backend:login:${loginKey}`,
  };
  await t.test('a service key with scope metrics is required', async (t) => {
    const { metrics } = await startServiceInProcess(t, env);
    const statusWith = async (headers: Body) => (await fetch(metrics, { headers })).status;
    t.equal(await statusWith({}), 401);
    t.equal(await statusWith({ 'x-api-key': 'wrong' }), 401);
    t.equal(await statusWith({ authorization: `Basic ${metricsKey}` }), 401);
    t.equal(await statusWith({ 'x-api-key': loginKey }), 403);
    t.equal(await statusWith({ authorization: `Bearer ${loginKey}` }), 403);
    t.equal(await statusWith({ 'x-api-key': metricsKey }), 200);
    t.equal(await statusWith({ authorization: `Bearer ${metricsKey}` }), 200);
    const refused = await fetch(metrics);
    t.match(await refused.json(), { code: 'unauthenticated', recovery: 'login' });
    t.equal(refused.headers.get('content-type'), 'application/problem+json');
  });

  await t.test('METRICS_PORT serves metrics on a separate port', async (t) => {
    const { url, metrics, close } = await startServiceInProcess(t, { ...env, METRICS_PORT: '0' });
    t.not(new URL(metrics).port, new URL(url).port);
    t.equal((await scrape(metrics)).get('kinship_database_up'), 1);
    t.equal((await fetch(`${url}/metrics`, { headers: { 'x-api-key': metricsKey } })).status, 404);
    t.equal((await fetch(new URL('/auth/me', metrics))).status, 404, 'and no other route is served there');
    await close();
    await t.rejects(fetch(metrics), 'it closes with the service');
  });
});

import t from 'tap';
import { startCollector } from '../support/collector.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const PASSWORD = 'correct horse battery staple';

t.test('a request is one trace, from the caller to the statement', async (t) => {
  if (!(await requirePostgres(t))) return;
  const collector = await startCollector(t);
  const DATABASE_URL = await testDatabase(t);
  const service = await startServiceInProcess(t, {
    DATA_DIR: await dataDir(t),
    DATABASE_URL,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });

  const answer = await fetch(`${service.url}/auth/login?userId=${USER}`, {
    method: 'POST',
    headers: { traceparent: `00-${TRACE}-${CALLER}-01` },
  });
  const { access, refresh } = (await answer.json()) as Record<string, string>;
  const refreshed = await fetch(`${service.url}/auth/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${TRACE}-${CALLER}-01` },
    body: JSON.stringify({ refreshToken: refresh, accessToken: access }),
  });
  t.equal(refreshed.status, 200);
  const replayed = await fetch(`${service.url}/auth/refresh?refreshToken=${refresh}&accessToken=${access}`, {
    method: 'POST',
    headers: { traceparent: `00-${TRACE}-${CALLER}-01` },
  });
  t.equal(replayed.status, 401);
  await service.close(); // the close also sends the remaining spans

  const spans = collector.spans.filter(({ traceId }) => traceId === TRACE);
  const login = collector.onlySpan('POST /auth/login');
  t.equal(login.parentSpanId, CALLER);
  t.equal(login.kind, 2, 'a server span');
  t.match(login.attributes, {
    'http.request.method': 'POST',
    'http.route': '/auth/login',
    'http.response.status_code': 200,
    'kinship.request_id': answer.headers.get('x-request-id') ?? '',
  });
  const open = collector.onlySpan('openSession');
  t.equal(open.parentSpanId, login.spanId);
  const insert = collector.onlySpan('token_families.open');
  t.equal(insert.parentSpanId, open.spanId);
  t.equal(insert.kind, 3, 'a client span');

  const [first, second] = spans.filter(({ name }) => name === 'POST /auth/refresh');
  t.equal(first?.attributes['http.response.status_code'], 200);
  t.equal(second?.attributes['http.response.status_code'], 401);
  const rotations = spans.filter(({ name }) => name === 'refresh');
  t.strictSame(
    rotations.map(({ parentSpanId }) => parentSpanId),
    [first?.spanId, second?.spanId],
    'also after the service waited for a body',
  );
  t.equal(rotations[1]?.attributes['kinship.code'], 'token_reused');
  t.notOk(rotations[1]?.status.code, 'a refusal is not recorded as an error');

  const sent = collector.bodies.join('\n');
  for (const secret of [access, refresh]) t.notOk(sent.includes(secret as string), 'no token in any span');
});

t.test('no password and no address of a user reaches a span', async (t) => {
  if (!(await requirePostgres(t))) return;
  const collector = await startCollector(t);
  const DATABASE_URL = await testDatabase(t);
  const service = await startServiceInProcess(t, {
    DATA_DIR: await dataDir(t),
    DATABASE_URL,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  const account = { username: 'canary-name', email: 'canary@example.com', password: PASSWORD };
  for (const [path, body] of [
    ['/auth/register', account],
    ['/auth/register', account],
    ['/auth/login', { username: 'canary-name', password: PASSWORD }],
    ['/auth/login', { username: 'canary-name', password: `${PASSWORD}!` }],
    ['/auth/register', { ...account, more: 1 }],
    [`/${PASSWORD.replaceAll(' ', '-')}`, {}],
  ] as const) {
    await fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
  await service.close();
  t.ok(collector.spans.length > 10);
  collector.onlySpan('unknown route');
  const sent = collector.bodies.join('\n');
  for (const canary of ['correct', 'canary', '127.0.0.1']) t.notOk(sent.includes(canary), canary);
});

t.test('a span carries the name and attributes of the environment', async (t) => {
  if (!(await requirePostgres(t))) return;
  const collector = await startCollector(t);
  const service = await startServiceInProcess(t, {
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testDatabase(t),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: 'sessions',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment.environment.name=pre%2Cprod',
  });
  await fetch(`${service.url}/auth/login?userId=${USER}`, { method: 'POST' });
  await service.close();
  t.match(collector.onlySpan('POST /auth/login').resource, {
    'service.name': 'sessions',
    'deployment.environment.name': 'pre,prod',
  });
});

t.test('the sampler that the environment names decides which traces are sent', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATABASE_URL = await testDatabase(t);
  const sentBy = async (env: Record<string, string>, flags: string) => {
    const collector = await startCollector(t);
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const service = await startServiceInProcess(t, {
      DATA_DIR: await dataDir(t),
      DATABASE_URL,
      ...endpoint,
      ...env,
    });
    const headers = { traceparent: `00-${TRACE}-${CALLER}-${flags}` };
    await fetch(`${service.url}/auth/login?userId=${USER}`, { method: 'POST', headers });
    await fetch(`${service.url}/auth/login?userId=${USER}`, { method: 'POST' });
    await service.close();
    const logins = collector.spans.filter(({ name }) => name === 'POST /auth/login');
    return logins.map(({ traceId }) => (traceId === TRACE ? 'continued' : 'own')).sort();
  };
  t.same(await sentBy({}, '00'), ['own'], 'the decision of the caller not to sample is kept');
  t.same(await sentBy({ OTEL_TRACES_SAMPLER: 'always_on' }, '00'), ['continued', 'own']);
  t.same(await sentBy({ OTEL_TRACES_SAMPLER: 'always_off' }, '01'), []);
  t.same(await sentBy({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, '01'), ['continued']);
  const ratio = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
  t.same(await sentBy(ratio, '01'), []);
  const parentRatio = { ...ratio, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' };
  t.same(await sentBy(parentRatio, '01'), ['continued']);
});

t.test(
  'a collector that refuses spans fails no request, and the outage and its end are logged',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const collector = await startCollector(t);
    const DATABASE_URL = await testDatabase(t);
    collector.answerWith(400);
    const service = await startServiceInProcess(t, {
      DATA_DIR: await dataDir(t),
      DATABASE_URL,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    const logIn = () => fetch(`${service.url}/auth/login?userId=${USER}`, { method: 'POST' });
    t.equal((await logIn()).status, 200);
    await t.resolves(untilLogged(service.lines, 'the collector accepts none'));
    collector.answerWith(200);
    t.equal((await logIn()).status, 200);
    await t.resolves(untilLogged(service.lines, 'the collector accepts traces again'));
  },
);

async function untilLogged(lines: readonly string[], words: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (lines.some((line) => line.includes(words))) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no log line contains "${words}"`);
}

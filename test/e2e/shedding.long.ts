import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { scrape } from '../support/exposition.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

type Service = Awaited<ReturnType<typeof startServiceInProcess>>;

const environment = (t: Test, url: string) => ({
  DATABASE_URL: url,
  DATA_DIR: t.testdir(),
  MAIL: 'off',
  LOGIN_BY_USER_ID: 'open',
});

async function logIn({ url }: Service) {
  const response = await fetch(`${url}/auth/login?userId=${USER}`, { method: 'POST' });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const readyStatus = async ({ url }: Service) => (await fetch(`${url}/health/ready`)).status;

const hasLogged =
  ({ lines }: Service, words: string) =>
  () =>
    lines.some((line) => line.includes(words));

/** Asserts that new work is refused as documented, and that health and metrics are still answered. */
async function assertRefusesWork(t: Test, service: Service, overload: string): Promise<void> {
  const before = await scrape(service.metrics);
  const { status, headers, body } = await logIn(service);
  t.match({ status, body }, { status: 503, body: { code: 'unavailable', recovery: 'retry', status: 503 } });
  t.equal(headers.get('retry-after'), '1');
  t.equal(headers.get('content-type'), 'application/problem+json');
  t.equal((await fetch(`${service.url}/health/live`)).status, 200);
  t.equal(await readyStatus(service), 503);
  const name = `kinship_shed_requests_total{reason="${overload}"}`;
  t.equal((await scrape(service.metrics)).get(name), (before.get(name) ?? 0) + 1);
}

async function waitUntilRecovered(service: Service): Promise<void> {
  await waitUntil(hasLogged(service, 'no longer overloaded'));
  await waitUntil(async () => (await logIn(service)).status === 200);
  await waitUntil(async () => (await readyStatus(service)) === 200);
}

t.test('a blocked event loop sheds load, and recovers', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const service = await startServiceInProcess(t, environment(t, url), { overload: { eventLoopDelay: 100 } });
  // On a busy machine the start alone may shed load.
  await waitUntil(async () => (await logIn(service)).status === 200);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const blocking = setInterval(() => Atomics.wait(cell, 0, 0, 400));
  try {
    await waitUntil(async () => (await readyStatus(service)) === 503);
    t.ok(hasLogged(service, 'new requests are refused')());
    await assertRefusesWork(t, service, 'event_loop');
  } finally {
    clearInterval(blocking);
  }
  await waitUntilRecovered(service);
});

t.test('one pause of the machine sheds no load', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const service = await startServiceInProcess(t, environment(t, url), {
    overload: { eventLoopDelay: 1_500 },
  });
  const answers = [logIn(service), logIn(service), logIn(service)];
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
  t.same(
    (await Promise.all(answers)).map(({ status }) => status),
    [200, 200, 200],
  );
});

t.test('a slow database makes the service shed load, and it recovers', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const service = await startServiceInProcess(t, environment(t, url), { overload: { storeCallAge: 300 } });
  const other = connect({ kind: 'url', url, pool: 1 });
  t.teardown(() => other.end({ timeout: 1 }));
  let waiting: ReturnType<typeof logIn>[] = [];
  await other.begin(async (tx) => {
    await tx`lock table token_families in access exclusive mode`;
    waiting = Array.from({ length: 20 }, () => logIn(service));
    await waitUntil(hasLogged(service, 'new requests are refused'));
    await assertRefusesWork(t, service, 'database');
  });
  const admitted = (await Promise.all(waiting)).map(({ status }) => status);
  await waitUntilRecovered(service);
  const [row] = await other`select count(*)::int as count from token_families`;
  const acknowledged = admitted.filter((status) => status === 200).length + 1;
  t.ok(row?.count >= acknowledged, `${row?.count} rows for ${acknowledged} logins that were acknowledged`);
});

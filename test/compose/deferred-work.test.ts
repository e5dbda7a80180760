import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { createDeferredWork } from '../../src/compose/deferred-work.ts';
import { createLocalStores } from '../../src/compose/shared-state.ts';
import type { PrimaryChannel } from '../../src/compose/worker.ts';
import { readConfig } from '../../src/config.ts';
import { PASSWORD } from '../support/passwords.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';
import { waitUntil } from '../support/wait-until.ts';

function createGate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

t.test('a stop waits for all deferred work, and logs work that failed', async (t) => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  const { deferWork, stop } = createDeferredWork(log);
  const done: string[] = [];
  const gate = createGate();
  deferWork(() => Promise.reject(new Error('no way')), { userId: 'ann', message: 'a link was not sent' });
  deferWork(() => gate.opened.then(() => void done.push('work')), { userId: 'bob', message: 'x' });
  const stopping = stop().then(() => done.push('stop'));
  await sleep(1);
  t.same(done, []);
  gate.open();
  await stopping;
  t.same(done, ['work', 'stop']);
  t.match(
    lines.map((line) => JSON.parse(line)),
    [{ userId: 'ann', msg: 'a link was not sent', err: { message: 'no way' } }],
  );
});

t.test('a link that was requested before the service stops is recorded', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATABASE_URL = await testDatabase(t);
  const steps: string[] = [];
  const gate = createGate();
  const memory = createLocalStores(await readConfig({}, t.testdir()));
  const { attempts } = memory;
  const countAction: typeof attempts.countAction = async (key, limit, now) => {
    if (!key.startsWith('reset ')) return attempts.countAction(key, limit, now);
    await gate.opened;
    steps.push('link counted');
    return attempts.countAction(key, limit, now);
  };
  const primary: PrimaryChannel = {
    memory: { ...memory, attempts: { ...attempts, countAction } },
    runsBackgroundWork: true,
    scrape: async () => '',
    sumSamples: async () => [],
    setSamplesReader() {},
    reportMetrics: async () => void steps.push('background work stopped'),
  };
  const { url, close } = await startServiceInProcess(t, { DATABASE_URL, MAIL: 'off' }, { primary });
  const post = (path: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
  t.equal((await post('/auth/register', ann)).status, 201);
  t.equal((await post('/auth/password/forgot', { email: ann.email })).status, 202);
  const closing = close();
  await waitUntil(() =>
    fetch(url).then(
      () => false,
      () => true,
    ),
  );
  await sleep(100);
  gate.open();
  await closing;
  t.same(steps, ['link counted', 'background work stopped']);
  const sql = connect({ kind: 'url', url: DATABASE_URL, pool: 1 });
  t.teardown(() => sql.end());
  t.equal((await sql`select from password_resets`).count, 1);
});

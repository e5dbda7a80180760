import t from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { proxyTo } from '../support/tcp-proxy.ts';
import { waitForValue } from '../support/wait-until.ts';

const PROBES = 20;

t.test('a service whose database hangs answers probes, and becomes ready again', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { proxy, url: DATABASE_URL } = await proxyTo(t, await testDatabase(t));
  const { url } = await startServiceInProcess(t, {
    DATA_DIR: await dataDir(t),
    DATABASE_URL,
    DATABASE_POOL: '8',
  });
  const probe = async () => (await fetch(`${url}/health/ready`)).status;
  t.equal(await probe(), 200);

  proxy.pause();
  const answers = await Promise.all(Array.from({ length: PROBES }, probe));
  t.same(new Set(answers), new Set([503]), 'all are answered while the database hangs');
  t.equal((await fetch(`${url}/health/live`)).status, 200);
  proxy.resume();
  const ready = async () => ((await probe()) === 200 ? true : undefined);
  await waitForValue('the service to be ready', ready);

  // The pool may be opening a new connection, which is not frozen.
  const isRefused = async () => {
    proxy.freezeOpenConnections();
    return (await probe()) === 503 ? true : undefined;
  };
  t.ok(await waitForValue('a probe on connections to a machine that is gone to be refused', isRefused));
  t.ok(await waitForValue('the service to be ready on new connections', ready));
});

import t from 'tap';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess, until } from '../support/service-in-process.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';

const PROBES = 20;

t.test('probes of a service whose database hangs are answered, and it becomes ready again', async (t) => {
  if (!(await requirePostgres(t))) return;
  const database = await testDatabase(t);
  const { hostname, port } = new URL(database);
  const proxy = await tcpProxy(t, { host: hostname, port: Number(port || 5432) });
  const through = new URL(database);
  through.host = `127.0.0.1:${proxy.port}`;
  const { url } = await startServiceInProcess(t, {
    DATA_DIR: await dataDir(t),
    DATABASE_URL: through.href,
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
  await until('the service to be ready', ready);

  // The pool may be opening a connection, which is then not frozen.
  const isRefused = async () => {
    proxy.freezeOpenConnections();
    return (await probe()) === 503 ? true : undefined;
  };
  t.ok(await until('a probe on connections to a machine that is gone to be refused', isRefused));
  t.ok(await until('the service to be ready on new connections', ready));
});

import cluster from 'node:cluster';
import t from 'tap';
import { forkWorker } from '../../src/adapters/cluster/worker-process.ts';

t.test('a worker that cannot be started counts as ended, with the reason', async (t) => {
  cluster.setupPrimary({ cwd: '/nonexistent' });
  t.match(await forkWorker({}).exited, { code: null, signal: null, reason: /ENOENT/ });
});

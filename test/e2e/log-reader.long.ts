import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { seriesIn } from '../support/exposition.ts';
import { namedPipe } from '../support/log-reader.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { PROGRAM } from '../support/program.ts';
import { onTerminal, requireTerminal } from '../support/pseudo-terminal.ts';
import { dataDir } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';

/** The service with a pipe as its log. All its workers write into this pipe. */
async function start(t: Test, WORKERS: string) {
  const { PATH, HOME } = process.env;
  const port = await freePort();
  const DATABASE_URL = await testDatabase(t);
  const DATA_DIR = await dataDir(t);
  const env = { PATH, HOME, API_PORT: String(port), MAIL: 'off', DATA_DIR, DATABASE_URL, WORKERS };
  const { reader, end } = await (await namedPipe(t)).open();
  const child = spawn(process.execPath, PROGRAM, {
    env,
    stdio: ['ignore', end.fd, 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await end.close();
  const exit = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await reader.find('"ready"');
  return {
    reader,
    /** Sends requests until log lines are dropped. Each request writes one line. */
    async fillLog(): Promise<void> {
      await waitForValue('dropped lines', async () => {
        await Promise.all(Array.from({ length: 400 }, () => fetch(`${url}/nowhere`).then((r) => r.text())));
        const series = seriesIn(await (await fetch(`${url}/metrics`)).text());
        return (series.get('kinship_log_lines_dropped_total') ?? 0) > 0 || undefined;
      });
    },
    /** Replaces all workers. */
    async reload(): Promise<void> {
      child.kill('SIGHUP');
      await reader.find('"reloaded"');
    },
    isLive: async () => (await fetch(`${url}/health/live`)).status === 200,
    async terminate(): Promise<unknown[]> {
      child.kill('SIGTERM');
      return exit;
    },
  };
}

for (const workers of ['1', '2']) {
  const title = `a service of ${workers} process${workers === '1' ? '' : 'es'}`;

  t.test(`${title} with a stalled log reader answers requests, and ends at SIGTERM`, async (t) => {
    if (!(await requirePostgres(t))) return;
    const service = await start(t, workers);
    service.reader.freeze();
    await service.fillLog();
    t.ok(await service.isLive());
    t.same(await service.terminate(), [0, null]);
  });

  t.test(`${title} whose log reader exited answers requests, and ends at SIGTERM`, async (t) => {
    if (!(await requirePostgres(t))) return;
    const service = await start(t, workers);
    service.reader.freeze();
    await service.fillLog();
    await service.reader.kill();
    t.ok(await service.isLive());
    t.same(await service.terminate(), [0, null]);
  });
}

// Each worker that ends makes the shared pipe blocking again.
t.test('a service that replaced its workers answers requests while its log reader stalls', async (t) => {
  if (!(await requirePostgres(t))) return;
  const service = await start(t, '2');
  await service.reload();
  service.reader.freeze();
  await service.fillLog();
  t.ok(await service.isLive());
  t.same(await service.terminate(), [0, null]);
});

t.test('a service whose terminal stalls answers requests, and ends at SIGTERM', async (t) => {
  if (!(await requirePostgres(t)) || !requireTerminal(t)) return;
  const { terminal, port, pids } = await startOnTerminal(t, '1');
  const [pid] = pids;
  terminal.freeze();
  const statuses = new Set<number>();
  for (let count = 0; count < 400; count += 1)
    statuses.add(
      (await fetch(`http://127.0.0.1:${port}/nowhere`, { signal: AbortSignal.timeout(10_000) })).status,
    );
  t.same([...statuses], [404]);
  process.kill(Number(pid), 'SIGTERM');
  await waitForValue('the end of the service', async () => isEnded(Number(pid)) || undefined);
  terminal.thaw();
  t.equal(await terminal.exitCode(), 0);
});

t.test('a SIGHUP while the service stops cuts off no request', async (t) => {
  if (!(await requirePostgres(t)) || !requireTerminal(t)) return;
  const { terminal, port, pids } = await startOnTerminal(t, '1');
  const [pid] = pids;
  const headers = { 'content-type': 'application/json', 'content-length': 2 };
  const half = request({ port, method: 'POST', path: '/auth/login', headers });
  half.flushHeaders();
  await once(half, 'socket').then(([socket]) => once(socket, 'connect'));
  // The answer to a later connection shows that the service has accepted the first one.
  await fetch(`http://127.0.0.1:${port}/health/live`);
  process.kill(Number(pid), 'SIGTERM');
  await terminal.waitFor(/"stopping"/);
  await delay(1_100); // a second SIGTERM after this time would end the process at once
  process.kill(Number(pid), 'SIGHUP');
  await delay(200);
  half.end('{}');
  const [{ statusCode }] = await once(half, 'response');
  t.equal(statusCode, 400);
  await waitForValue('the end of the service', async () => isEnded(Number(pid)) || undefined);
  t.equal(await terminal.exitCode(), 0);
  t.match(terminal.text(), /"stopped"/);
});

for (const workers of ['1', '2'])
  t.test(`a service of WORKERS=${workers} ends when its terminal is closed`, async (t) => {
    if (!(await requirePostgres(t)) || !requireTerminal(t)) return;
    const { terminal, pids } = await startOnTerminal(t, workers);
    t.teardown(() => {
      for (const pid of pids) if (!isEnded(pid)) process.kill(pid, 'SIGKILL');
    });
    t.equal(pids.size, workers === '1' ? 1 : 3);
    terminal.close();
    await waitForValue('the end of the service', async () => [...pids].every(isEnded) || undefined);
  });

/** The service on a terminal, when it is ready. `pids` has each process that has logged a line. */
async function startOnTerminal(t: Test, WORKERS: string) {
  const port = await freePort();
  const terminal = onTerminal(t, ['serve'], {
    API_PORT: String(port),
    MAIL: 'off',
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testDatabase(t),
    LOG_FORMAT: 'json',
    WORKERS,
  });
  await terminal.waitFor(/"ready"/);
  const pids = new Set([...terminal.text().matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid)));
  return { terminal, port, pids };
}

/** Whether the process has ended. A zombie, whose stopped parent has not read its exit code, counts as ended. */
function isEnded(pid: number): boolean {
  return /^(?:Z|$)/.test(
    spawnSync('ps', ['-o', 'stat=', '-p', String(pid)])
      .stdout.toString()
      .trim(),
  );
}

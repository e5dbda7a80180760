import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { ask, createAgent, post } from '../faults/support/request.ts';
import { environment } from '../faults/support/service.ts';
import { athOf, proofKey, proofOf } from '../support/dpop.ts';
import { scrape } from '../support/exposition.ts';
import { kinship } from '../support/kinship.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { type RunningService, startService } from '../support/process.ts';
import { PROGRAM } from '../support/program.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Tests that a service with several processes behaves like one process. */

const WORKERS = 3;
const GUESSES = 12;
const KEY = 'correct-horse-battery-staple-2026';

async function start(t: Test): Promise<RunningService> {
  const env = await environment(t, {
    DATABASE_URL: await testDatabase(t),
    WORKERS: String(WORKERS),
    LOGIN_ACCOUNT_LIMIT: '5/24h',
    SERVICE_API_KEYS: `operator:admin:${KEY}`,
  });
  return startService(t, { env });
}

/** The process ids of the workers that have become ready, in the order of their lines. */
function readyPids(service: RunningService): number[] {
  return linesOf(service, 'worker ready').map(({ pid }) => Number(pid));
}

function linesOf(service: RunningService, msg: string): Record<string, unknown>[] {
  const entries = service.logs().map((line) => JSON.parse(line) as Record<string, unknown>);
  return entries.filter((entry) => entry.msg === msg);
}

/** The workers that answered requests of the route. */
function workersThatAnswered(service: RunningService, route: string): ReadonlySet<unknown> {
  const lines = linesOf(service, 'answered').filter((line) => line.route === route);
  return new Set(lines.map(({ pid }) => pid));
}

t.test('several workers are one service', async (t) => {
  if (!(await requirePostgres(t))) return;
  const service = await start(t);
  // Each process writes its own lines, so the last line of a worker may come after the last line of the primary.
  await waitUntil(() => readyPids(service).length === WORKERS);
  // A connection for each request, so that the requests reach all workers.
  const agent = createAgent(t, { keepAlive: false });
  const send = (path: string, body?: object) => post(agent, new URL(path, service.url), body);

  const readOverview = async () => {
    const url = new URL('/admin/overview', service.url);
    const { body } = await ask(agent, 'GET', url, undefined, { 'x-api-key': KEY });
    return body as unknown as { replica: string; samples: { logins: number }[] };
  };

  await t.test('guesses at one password are limited as with one process', async (t) => {
    const guess = { username: 'ann', password: 'a wrong guess 1' };
    const answers = [];
    for (let count = 0; count < GUESSES; count += 1) answers.push(await send('/auth/login', guess));
    const tried = answers.filter(({ status }) => status === 401).length;
    t.equal(tried, 5, 'LOGIN_ACCOUNT_LIMIT');
    t.equal(answers.filter(({ status }) => status === 429).length, GUESSES - 5);
    t.equal(workersThatAnswered(service, '/auth/login').size, WORKERS, 'every worker was asked');
  });

  await t.test('a DPoP proof is accepted once, whichever worker gets it', async (t) => {
    const key = proofKey();
    const login = await send(`/auth/login?userId=${randomUUID()}&dpopJkt=${key.jkt}`);
    const access = String(login.body.access);
    const payload = { ath: athOf(access) };
    const dpop = proofOf(key, 'GET', `${service.url}/auth/me`, Date.now(), { payload });
    const headers = { authorization: `DPoP ${access}`, dpop };
    const statuses = [];
    for (let count = 0; count < 9; count += 1)
      statuses.push((await ask(agent, 'GET', new URL('/auth/me', service.url), undefined, headers)).status);
    t.same(statuses, [200, ...Array(8).fill(401)]);
    t.equal(workersThatAnswered(service, '/auth/me').size, WORKERS, 'every worker was asked');
  });

  await t.test(
    'the metrics of all workers are added up, and no total falls when a worker ends',
    async (t) => {
      const logins = await Promise.all(
        Array.from({ length: 9 }, () => send(`/auth/login?userId=${randomUUID()}`)),
      );
      t.ok(logins.every(({ status }) => status === 200));
      const before = await scrape(`${service.url}/metrics`);
      t.equal(before.get('auth_logins_success_total'), 10);
      t.equal(before.get('kinship_workers'), WORKERS);
      t.equal(before.get('kinship_database_up'), 1);

      const overviews = [];
      for (let count = 0; count < 9; count += 1) overviews.push(await readOverview());
      t.equal(workersThatAnswered(service, '/admin/overview').size, WORKERS, 'every worker was asked');
      t.same(new Set(overviews.map(({ samples }) => samples.at(-1)?.logins)), new Set([10]));
      t.equal(new Set(overviews.map(({ replica }) => replica)).size, 1, 'they are one replica');

      process.kill(readyPids(service)[0] ?? 0, 'SIGKILL');
      await waitUntil(() => readyPids(service).length > WORKERS);
      const after = await scrape(`${service.url}/metrics`);
      t.equal(after.get('auth_logins_success_total'), 10);
      t.equal(after.get('kinship_workers'), WORKERS, 'the worker was started again');
      t.equal(after.get('kinship_worker_restarts_total'), 1);
    },
  );

  await t.test('SIGHUP replaces every worker', async (t) => {
    const before = readyPids(service).slice(-WORKERS);
    process.kill(service.pid, 'SIGHUP');
    await waitUntil(() => linesOf(service, 'reloaded').length > 0);
    const after = readyPids(service).slice(-WORKERS);
    t.equal(new Set([...before, ...after]).size, 2 * WORKERS);
    t.equal((await send(`/auth/login?userId=${randomUUID()}`)).status, 200);
    const metrics = await scrape(`${service.url}/metrics`);
    t.equal(metrics.get('auth_logins_success_total'), 11, 'totals outlive the workers that counted them');
  });

  t.equal(await service.stop(), 0);
  t.equal(linesOf(service, 'a worker ended unexpectedly; it is started again').length, 1);
});

t.test('simultaneous guesses are limited as with one process', async (t) => {
  if (!(await requirePostgres(t))) return;
  const service = await start(t);
  await waitUntil(() => readyPids(service).length === WORKERS);
  const agent = createAgent(t, { keepAlive: false });
  const guessAtOnce = (usernames: readonly string[]) =>
    Promise.all(
      usernames.map(async (username) => {
        const guess = { username, password: 'a wrong guess 1' };
        return (await post(agent, new URL('/auth/login', service.url), guess)).status;
      }),
    );
  const triedOf = (statuses: readonly number[]) => statuses.filter((status) => status === 401).length;

  const atOneAccount = await guessAtOnce(Array<string>(GUESSES).fill('ann'));
  t.equal(triedOf(atOneAccount), 5, 'LOGIN_ACCOUNT_LIMIT');
  const atMany = await guessAtOnce(Array.from({ length: 3 * GUESSES }, (_, number) => `user${number}`));
  t.equal(triedOf(atOneAccount) + triedOf(atMany), 20, 'LOGIN_NETWORK_LIMIT');
  t.ok([...atOneAccount, ...atMany].every((status) => status === 401 || status === 429));
  t.equal(workersThatAnswered(service, '/auth/login').size, WORKERS, 'every worker was asked');
  t.equal(await service.stop(), 0);
});

t.test('a stop during a reload ends the worker that is starting, with exit code 0', async (t) => {
  if (!(await requirePostgres(t))) return;
  const service = await start(t);
  await waitUntil(() => readyPids(service).length === WORKERS);
  process.kill(service.pid, 'SIGHUP');
  await waitUntil(() => childrenOf(service.pid) > WORKERS);
  t.equal(await service.stop(), 0);
  t.equal(readyPids(service).length, WORKERS, 'the new worker did not get ready');
});

t.test('a reload after WORKERS was changed keeps the number of workers', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { WORKERS: _unset, ...env } = await environment(t, { DATABASE_URL: await testDatabase(t) });
  const cwd = t.testdir({ '.env': `WORKERS=${WORKERS}\n` });
  const service = await startService(t, { env, cwd });
  await waitUntil(() => readyPids(service).length === WORKERS);
  await writeFile(join(cwd, '.env'), 'WORKERS=1\n');
  process.kill(service.pid, 'SIGHUP');
  await waitUntil(() => linesOf(service, 'reloaded').length === 1);
  t.equal(linesOf(service, 'WORKERS was changed: restart the service to apply it').length, WORKERS);
  t.equal(childrenOf(service.pid), WORKERS);
  t.equal(await service.stop(), 0);
});

t.test('a stop that has to kill a worker says so, and ends with exit code 1', async (t) => {
  if (!(await requirePostgres(t))) return;
  const service = await start(t);
  await waitUntil(() => readyPids(service).length === WORKERS);
  process.kill(readyPids(service)[0] ?? 0, 'SIGSTOP');
  t.equal(await service.stop(), 1);
  const [{ err } = {}] = linesOf(service, 'the stop failed');
  t.match(err, { message: /^A worker did not end within \d+ ms, and was killed\.$/ });
});

t.test('a stop during the start ends the workers that are starting, with exit code 0', async (t) => {
  if (!(await requirePostgres(t))) return;
  const env = await environment(t, { DATABASE_URL: await testDatabase(t), WORKERS: '2' });
  const child = spawn(process.execPath, PROGRAM, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  await waitUntil(() => lines.some((line) => line.includes('"worker ready"')));
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  t.same(await exit, [0, null]);
  t.notOk(lines.some((line) => line.includes('"ready"')));
});

function childrenOf(pid: number): number {
  const { stdout } = spawnSync('ps', ['--no-headers', '-o', 'pid', '--ppid', String(pid)]);
  return stdout.toString().split('\n').filter(Boolean).length;
}

t.test('a service whose workers cannot start ends with exit code 1', async (t) => {
  const env = await environment(t, { DATABASE_URL: 'postgres://127.0.0.1:1/none', WORKERS: '2' });
  const { code, stdout } = await kinship(['serve'], env);
  t.equal(code, 1);
  t.match(stdout, /the service did not start/);
});

t.test('the embedded database allows one worker', async (t) => {
  const env = await environment(t, { WORKERS: '2' });
  const { code, stdout } = await kinship(['serve'], env);
  t.equal(code, 1);
  t.match(JSON.parse(stdout).msg, /^WORKERS is "2", but must be 1 with the embedded database/);
});

t.test('a service of one process ignores SIGHUP, which process managers send for a reload', async (t) => {
  if (!(await requirePostgres(t))) return;
  const env = await environment(t, { DATABASE_URL: await testDatabase(t) });
  const service = await startService(t, { env });
  process.kill(service.pid, 'SIGHUP');
  await waitUntil(() => service.logs().some((line) => line.includes('one process cannot reload')));
  t.equal((await fetch(`${service.url}/health/ready`)).status, 200);
  t.equal(await service.stop(), 0);
});

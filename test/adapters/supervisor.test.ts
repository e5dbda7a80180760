import t, { type Test } from 'tap';
import { createSupervisor, type SupervisedWorker } from '../../src/adapters/cluster/supervisor.ts';
import { waitUntil } from '../support/wait-until.ts';

/** A worker without a process. */
interface FakeWorker extends SupervisedWorker {
  readonly place: number;
  readonly isStopped: () => boolean;
  becomeReady(): void;
  end(code: number | null, signal?: string | null): void;
}

function createFakeWorker(place: number, pid: number): FakeWorker {
  let end: (exit: { code: number | null; signal: string | null }) => void = () => {};
  let becomeReady = () => {};
  let isStopped = false;
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    end = resolve;
  });
  const ready = new Promise<void>((resolve) => {
    becomeReady = resolve;
  });
  return {
    place,
    pid,
    ready,
    exited,
    becomeReady: () => becomeReady(),
    isStopped: () => isStopped,
    end: (code, signal = null) => end({ code, signal }),
    kill: () => end({ code: null, signal: 'SIGKILL' }),
    stop() {
      isStopped = true;
      end({ code: 0, signal: null });
    },
  };
}

/**
 * A supervisor of fake workers. `isGood` says whether the worker with this number becomes ready or fails, and `isHung`
 * whether it does neither.
 */
function supervise({
  count = 2,
  isGood = (pid: number) => pid >= 0,
  isHung = (pid: number) => pid < 0,
  clock = { now: 0 },
} = {}) {
  const workers: FakeWorker[] = [];
  const waits: number[] = [];
  const lines: string[] = [];
  const note = (_: object, message: string) => void lines.push(message);
  const supervisor = createSupervisor({
    count,
    deadline: 50,
    readyDeadline: 50,
    log: { info: note, warn: note, error: note },
    now: () => clock.now,
    wait: async (milliseconds) => void waits.push(milliseconds),
    fork(place) {
      const worker = createFakeWorker(place, workers.length);
      workers.push(worker);
      if (isHung(worker.pid)) return worker;
      if (isGood(worker.pid)) worker.becomeReady();
      else worker.end(1);
      return worker;
    },
  });
  return { supervisor, workers, waits, lines };
}

/** Waits until all promises have settled, except those that wait for a timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Keeps this process alive, as the channel of a real worker does. */
function keepAlive(t: Test): void {
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
}

t.test('the first worker is ready before the others start', async (t) => {
  const { supervisor, workers } = supervise({ count: 3, isGood: (pid) => pid !== 0 });
  await t.rejects(supervisor.start(), /Worker 0 ended before it was ready \(exit code 1\)/);
  t.equal(workers.length, 1);
});

t.test('a worker that ends is replaced, after waits that grow to half a minute', async (t) => {
  const { supervisor, workers, waits } = supervise();
  await supervisor.start();
  for (let failure = 0; failure < 9; failure += 1) {
    workers.findLast(({ place }) => place === 1)?.end(1);
    await settle();
  }
  t.same(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  t.equal(supervisor.restarts(), 9);
  t.equal(supervisor.readyWorkers(), 2);
  t.equal(workers.filter(({ place }) => place === 0).length, 1);
});

t.test('a worker that was healthy for a minute is replaced after the shortest wait', async (t) => {
  const clock = { now: 0 };
  const { supervisor, workers, waits } = supervise({ clock });
  await supervisor.start();
  for (const minutes of [0, 0, 2]) {
    clock.now += minutes * 60_000;
    workers.at(-1)?.end(1);
    await settle();
  }
  t.same(waits, [500, 1_000, 500]);
});

t.test('a reload stops each worker when its successor is ready', async (t) => {
  const { supervisor, workers, lines } = supervise();
  await supervisor.start();
  await supervisor.reload();
  t.same(
    workers.map(({ place, isStopped }) => [place, isStopped()]),
    [
      [0, true],
      [1, true],
      [0, false],
      [1, false],
    ],
  );
  t.same(lines, ['reloaded']);
  t.equal(supervisor.restarts(), 0);
});

t.test('a reload stops at a worker that does not become ready, and the old workers continue', async (t) => {
  const { supervisor, workers, lines } = supervise({ isGood: (pid) => pid !== 2 });
  await supervisor.start();
  await supervisor.reload();
  t.same(
    workers.slice(0, 2).map(({ isStopped }) => isStopped()),
    [false, false],
  );
  t.same(lines, ['the reload ended early; the workers that were not replaced continue']);
  t.equal(supervisor.readyWorkers(), 2);
});

t.test('a reload kills a worker that hangs during its start, and the next reload replaces all', async (t) => {
  const { supervisor, workers, lines } = supervise({ isHung: (pid) => pid === 2 });
  keepAlive(t);
  await supervisor.start();
  await supervisor.reload();
  t.same(await workers[2]?.exited, { code: null, signal: 'SIGKILL' });
  t.same(
    workers.map(({ isStopped }) => isStopped()),
    [false, false, false],
  );
  t.same(lines, [
    'a new worker was not ready in time; it is killed',
    'the reload ended early; the workers that were not replaced continue',
  ]);
  t.equal(supervisor.readyWorkers(), 2);
  await supervisor.reload();
  t.same(
    workers.map(({ isStopped }) => isStopped()),
    [true, true, false, false, false],
  );
  t.equal(lines.at(-1), 'reloaded');
});

t.test('a worker that hangs when it is started again is killed, and another is started', async (t) => {
  const { supervisor, workers, lines, waits } = supervise({ count: 1, isHung: (pid) => pid === 1 });
  keepAlive(t);
  await supervisor.start();
  workers[0]?.end(1);
  await waitUntil(() => supervisor.readyWorkers() === 1 && workers.length === 3);
  t.same(await workers[1]?.exited, { code: null, signal: 'SIGKILL' });
  t.ok(lines.includes('a new worker was not ready in time; it is killed'));
  t.same(waits, [500, 1_000], 'a worker that was never ready was not healthy');
});

t.test('a worker that ends while the others start is started again', async (t) => {
  const { supervisor, workers } = supervise({ isHung: (pid) => pid === 1 });
  const started = supervisor.start();
  await waitUntil(() => workers.length === 2);
  workers[0]?.end(1);
  await waitUntil(() => workers.length === 3);
  t.equal(workers[2]?.place, 0);
  workers[1]?.becomeReady();
  await started;
  t.equal(supervisor.readyWorkers(), 2);
});

t.test('a stop ends all workers, and starts none again', async (t) => {
  const { supervisor, workers } = supervise();
  await supervisor.start();
  await supervisor.stop();
  await settle();
  t.ok(workers.every(({ isStopped }) => isStopped()));
  t.equal(workers.length, 2);
});

t.test(
  'a stop during the start forks no more workers, and a worker that SIGTERM ended is no failure',
  async (t) => {
    const { supervisor, workers } = supervise({ isGood: () => true });
    const [started, stopped] = [supervisor.start(), supervisor.stop()];
    workers[0]?.end(null, 'SIGTERM');
    await stopped;
    await t.rejects(started, /stopped while it started|ended before it was ready/);
    t.equal(workers.length, 1);
  },
);

t.test('a start that is stopped as its last worker becomes ready does not succeed', async (t) => {
  const { supervisor, workers } = supervise({ count: 1 });
  const started = supervisor.start();
  const [worker] = workers;
  if (worker !== undefined) worker.stop = () => {};
  const stopped = supervisor.stop();
  await t.rejects(started, { message: 'The service was stopped while it started.' });
  worker?.end(0);
  await stopped;
});

t.test('a worker that does not end at the deadline is killed, and the stop fails', async (t) => {
  const { supervisor, workers } = supervise();
  await supervisor.start();
  const [hung] = workers;
  if (hung !== undefined) hung.stop = () => {};
  keepAlive(t);
  await t.rejects(supervisor.stop(), /did not end within 50 ms/);
  t.same(await hung?.exited, { code: null, signal: 'SIGKILL' });
});

import { sleep, waitAtMost, withDeadline } from '../../lib/time.ts';
import type { Log } from '../../ports/log.ts';
import type { Exit } from './worker-process.ts';

/** A worker that the supervisor watches. */
export interface SupervisedWorker {
  readonly pid: number;
  /** Resolves when the worker answers requests. Does not reject. */
  readonly ready: Promise<unknown>;
  readonly exited: Promise<Exit>;
  /** Asks the worker to finish its requests and to end. */
  stop(): void;
  kill(): void;
}

export interface Supervisor {
  /** Starts the first worker, then the others together. Rejects if one of them ends before it is ready. */
  start(): Promise<void>;
  /**
   * Replaces one worker after another. An old worker stops when the new worker is ready. A new worker that is not ready
   * in time is killed. A failure is logged, and ends the reload.
   */
  reload(): Promise<void>;
  /** Stops all workers, and starts no more. Rejects if a worker had to be killed, or ended with a failure. */
  stop(): Promise<void>;
  /** The number of workers that answer requests. */
  readyWorkers(): number;
  /** How often a worker ended unexpectedly and was started again. */
  restarts(): number;
}

interface Options {
  readonly count: number;
  /** Starts the worker of a slot. The first slot is 0. */
  readonly fork: (slot: number) => SupervisedWorker;
  /** Milliseconds in which a stopping worker must end. */
  readonly deadline: number;
  /**
   * Milliseconds in which a restarted or new worker must be ready. The workers of {@link Supervisor.start} have no
   * limit, because the first worker may have to migrate a large database.
   */
  readonly readyDeadline?: number;
  readonly log: Log;
  readonly wait?: (milliseconds: number, stop: AbortSignal) => Promise<void>;
  readonly now?: () => number;
}

/** Milliseconds before a worker is started again. The wait doubles at each failure, up to the longest wait. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

/** Milliseconds. After a worker that was ready for longer than this, the next wait is `FIRST_WAIT` again. */
const HEALTHY_AFTER = 60_000;

/** Milliseconds. Longer than the migrations of an upgrade that needs no preparation by an operator. */
const READY_DEADLINE = 120_000;

/** A slot has one running worker, two while the worker is replaced, and none during the wait before a restart. */
interface WorkerSlot {
  readonly number: number;
  worker: SupervisedWorker | null;
  /** Null until the worker is ready. */
  readyAt: number | null;
  isReplacing: boolean;
  failures: number;
}

/** Creates a supervisor that keeps `count` workers running. */
export function createSupervisor({
  count,
  fork,
  deadline,
  readyDeadline = READY_DEADLINE,
  log,
  wait = sleep,
  now = performance.now.bind(performance),
}: Options): Supervisor {
  const slots: WorkerSlot[] = Array.from({ length: count }, (_, number) => ({
    number,
    worker: null,
    readyAt: null,
    isReplacing: false,
    failures: 0,
  }));
  const alive = new Set<SupervisedWorker>();
  const stopping = new AbortController();
  let restarts = 0;
  let reloading: Promise<void> | null = null;

  return {
    async start() {
      const [first, ...others] = slots;
      if (first === undefined) return;
      await launch(first);
      await Promise.all(others.map(launch));
    },

    async reload() {
      reloading ??= replaceAll().finally(() => {
        reloading = null;
      });
      await reloading;
    },

    async stop() {
      stopping.abort();
      const workers = [...alive];
      for (const worker of workers) worker.stop();
      const exits = await waitAtMost(deadline, Promise.all(workers.map(({ exited }) => exited)));
      for (const worker of alive) worker.kill();
      if (exits === undefined) throw new Error(`A worker did not end within ${deadline} ms, and was killed.`);
      // SIGTERM ends a worker that was still loading its modules.
      const failed = exits.filter(({ code, signal }) => code !== 0 && signal !== 'SIGTERM').length;
      if (failed > 0) throw new Error(`${failed} workers failed while they stopped.`);
    },

    readyWorkers: () => slots.filter(({ readyAt }) => readyAt !== null).length,
    restarts: () => restarts,
  };

  function startWorker(slot: WorkerSlot): SupervisedWorker {
    const worker = fork(slot.number);
    alive.add(worker);
    void worker.exited.then(() => alive.delete(worker));
    return worker;
  }

  async function launch(slot: WorkerSlot): Promise<void> {
    assertNotStopped();
    slot.worker = startWorker(slot);
    await waitUntilReady(slot.worker);
    assertNotStopped();
    slot.readyAt = now();
    watch(slot);
  }

  function assertNotStopped(): void {
    if (stopping.signal.aborted) throw new Error('The service was stopped while it started.');
  }

  async function waitUntilReady(worker: SupervisedWorker): Promise<void> {
    const exit = await Promise.race([worker.ready.then(() => null), worker.exited]);
    if (exit !== null)
      throw new Error(`Worker ${worker.pid} ended before it was ready (${describeExit(exit)}).`);
  }

  /** Kills a worker that is not ready in time, for example because its database does not answer. */
  async function waitUntilReadyOrKill(worker: SupervisedWorker): Promise<void> {
    await withDeadline(readyDeadline, waitUntilReady(worker), () => {
      log.error(
        { worker: worker.pid, deadline: readyDeadline },
        'a new worker was not ready in time; it is killed',
      );
      worker.kill();
      return new Error(`Worker ${worker.pid} was not ready within ${readyDeadline} ms, and was killed.`);
    });
  }

  /**
   * Starts a new worker when the worker of this slot ends. Does nothing if the supervisor stops, or if another worker
   * has replaced it.
   */
  function watch(slot: WorkerSlot): void {
    const { worker } = slot;
    if (worker === null) return;
    void worker.exited.then(async (exit) => {
      if (slot.worker !== worker || stopping.signal.aborted) return;
      const isHealthy = slot.readyAt !== null && now() - slot.readyAt > HEALTHY_AFTER;
      slot.readyAt = null;
      slot.worker = null;
      slot.failures = isHealthy ? 1 : slot.failures + 1;
      const pause = Math.min(FIRST_WAIT * 2 ** (slot.failures - 1), LONGEST_WAIT);
      log.error({ worker: worker.pid, ...exit, pause }, 'a worker ended unexpectedly; it is started again');
      await wait(pause, stopping.signal);
      if (stopping.signal.aborted || slot.isReplacing || slot.worker !== null) return;
      restart(slot);
    });
  }

  function restart(slot: WorkerSlot): void {
    restarts += 1;
    const worker = startWorker(slot);
    slot.worker = worker;
    watch(slot);
    waitUntilReadyOrKill(worker).then(
      () => {
        if (slot.worker === worker) slot.readyAt = now();
      },
      () => {}, // the end of the worker is logged
    );
  }

  async function replaceAll(): Promise<void> {
    for (const slot of slots) {
      if (stopping.signal.aborted) return;
      slot.isReplacing = true;
      try {
        await replace(slot);
      } catch (err) {
        if (stopping.signal.aborted) return;
        log.error({ err }, 'the reload ended early; the workers that were not replaced continue');
        if (slot.worker === null) restart(slot);
        return;
      } finally {
        slot.isReplacing = false;
      }
    }
    log.info({ workers: count }, 'reloaded');
  }

  async function replace(slot: WorkerSlot): Promise<void> {
    const next = startWorker(slot);
    await waitUntilReadyOrKill(next);
    const old = slot.worker;
    slot.worker = next;
    slot.readyAt = now();
    slot.failures = 0;
    watch(slot);
    if (old === null) return;
    old.stop();
    await waitAtMost(deadline, old.exited);
    if (alive.has(old)) old.kill();
  }
}

function describeExit({ code, signal, reason = signal ?? `exit code ${code}` }: Exit): string {
  return reason;
}

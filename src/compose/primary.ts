import { serveStores } from '../adapters/cluster/shared-stores.ts';
import { createSupervisor, type SupervisedWorker } from '../adapters/cluster/supervisor.ts';
import { forkWorker, type WorkerProcess } from '../adapters/cluster/worker-process.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import {
  addUpMetrics,
  addUpSamples,
  createWorkerMetrics,
  type Samples,
} from '../adapters/telemetry/metrics/add-up.ts';
import type { Config } from '../config.ts';
import { waitAtMost } from '../lib/time.ts';
import type { ServiceUrls } from './servers.ts';
import { createLocalStores } from './shared-state.ts';
import type { WorkerAssignment } from './worker.ts';

/** Milliseconds that a scrape waits for a worker. After that, the scrape uses the previous metrics of this worker. */
const SAMPLES_TIMEOUT = 2_000;

/** The process that starts and watches the workers, and holds the memory that they share. It answers no requests. */
export interface PrimaryService {
  /** Resolves when all workers answer requests. */
  start(): Promise<ServiceUrls>;
  reload(): Promise<void>;
  stop(): Promise<void>;
}

export function composePrimary(
  config: Pick<Config, 'workers' | 'limits'>,
  log: Logger,
  deadline: number,
): PrimaryService {
  const memory = serveStores(createLocalStores(config));
  const workers = new Set<WorkerProcess>();
  const { promise: ready, resolve: onReady } = withResolver<ServiceUrls>();
  const supervisor = createSupervisor({ count: config.workers, fork, deadline, log });
  const metrics = createWorkerMetrics(supervisor);
  return {
    async start() {
      await supervisor.start();
      return ready;
    },
    reload: supervisor.reload,
    stop: supervisor.stop,
  };

  function fork(index: number): SupervisedWorker {
    const readiness = withResolver<void>();
    const worker = forkWorker({
      ...memory,
      assignment: async (): Promise<WorkerAssignment> => ({ index, workers: config.workers }),
      async ready(addresses: ServiceUrls) {
        workers.add(worker);
        onReady(addresses);
        readiness.resolve();
      },
      scrape,
      sumSamples,
      report: async (samples: Samples) => metrics.update(worker.pid, samples),
    });
    void worker.exited.then(() => {
      workers.delete(worker);
      return metrics.keepEnded(worker.pid);
    });
    const { pid, exited, stop, kill } = worker;
    return { pid, exited, stop, kill, ready: readiness.promise };
  }

  async function scrape(): Promise<string> {
    return addUpMetrics(await latestMetrics());
  }

  async function sumSamples(): Promise<Samples> {
    return addUpSamples(await latestMetrics());
  }

  async function latestMetrics(): Promise<readonly Samples[]> {
    await Promise.all([...workers].map(updateMetrics));
    return metrics.all();
  }

  async function updateMetrics(worker: WorkerProcess): Promise<void> {
    const reading = worker.call<Samples>('samples').catch(() => undefined);
    const samples = await waitAtMost(SAMPLES_TIMEOUT, reading);
    if (samples !== undefined && workers.has(worker)) metrics.update(worker.pid, samples);
  }
}

function withResolver<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

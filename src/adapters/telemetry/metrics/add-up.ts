import { AggregatorRegistry, Registry } from 'prom-client';
import { createInstruments } from './instruments.ts';

/** Metrics as plain data, of one process or of several together. */
export type Samples = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** Combines the metrics of several processes into text. A metric is summed unless it names another aggregator. */
export function addUpMetrics(all: readonly Samples[]): Promise<string> {
  return AggregatorRegistry.aggregate([...all]).metrics();
}

/** Combines the metrics as {@link addUpMetrics} does, and returns plain data. */
export function addUpSamples(all: readonly Samples[]): Promise<Samples> {
  return AggregatorRegistry.aggregate([...all]).getMetricsAsJSON();
}

/** The metrics of the workers of one service. The counts of a worker are kept after its end. */
export interface WorkerMetrics {
  /** Stores the latest metrics of a running worker. */
  update(worker: number, samples: Samples): void;
  /** Keeps the counts of a worker that has ended. Without them, the totals of the service would fall. */
  keepEnded(worker: number): Promise<void>;
  /** The metrics of all running and ended workers, and the metrics of the process that supervises them. */
  all(): Promise<readonly Samples[]>;
}

interface WorkerCounts {
  /** Returns the number of workers that answer requests. */
  readyWorkers(): number;
  /** Returns the number of workers that ended unexpectedly and were started again. */
  restarts(): number;
}

/** Creates the metrics of the workers. `counts` returns the numbers that only the supervising process knows. */
export function createWorkerMetrics(counts: WorkerCounts): WorkerMetrics {
  const latest = new Map<number, Samples>();
  const own = createOwnRegistry(counts);
  /** One sum after another: workers may end at the same moment. */
  let ended: Promise<Samples> = Promise.resolve([]);

  return {
    update: (worker, samples) => void latest.set(worker, samples),

    async keepEnded(worker) {
      const last = latest.get(worker) ?? [];
      latest.delete(worker);
      const lasting = last.filter(({ type }) => String(type) === 'counter' || String(type) === 'histogram');
      ended = ended.then((sum) => AggregatorRegistry.aggregate([sum, lasting]).getMetricsAsJSON());
      await ended;
    },

    all: async () => [...latest.values(), await ended, await own.getMetricsAsJSON()],
  };
}

function createOwnRegistry({ readyWorkers, restarts }: WorkerCounts): Registry {
  const registry = new Registry();
  const { reading, total } = createInstruments(registry);
  reading('kinship_workers', 'Workers that answer requests.', readyWorkers);
  total('kinship_worker_restarts_total', 'Workers that ended unexpectedly and were started again.', restarts);
  return registry;
}

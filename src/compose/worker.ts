import type { Call, Handlers } from '../adapters/cluster/calls.ts';
import { createStoresClient, type SharedStores } from '../adapters/cluster/shared-stores.ts';
import { connectToPrimary } from '../adapters/cluster/worker-process.ts';
import type { Samples } from '../adapters/telemetry/metrics/add-up.ts';
import type { ServiceUrls } from './servers.ts';

/** What a worker needs from its primary process. */
export interface PrimaryChannel {
  readonly memory: SharedStores;
  /** Whether deliveries, removals and the maintenance of keys run in this worker. They run in the first worker. */
  readonly runsBackgroundWork: boolean;
  /** The metrics of all workers as text. */
  scrape(): Promise<string>;
  /** The metrics of all workers as plain data. */
  sumSamples(): Promise<Samples>;
  /** Sets the function that reads the metrics of this worker. */
  setSamplesReader(read: () => Promise<Samples>): void;
  /** Sends the final metrics of this worker to the primary, before the worker exits. */
  reportMetrics(samples: Samples): Promise<void>;
}

/** What the primary tells a new worker. */
export interface WorkerAssignment {
  /** Counts workers from 0. */
  readonly index: number;
  /** The number of workers. WORKERS may have another value since the primary read it. */
  readonly workers: number;
}

/** Connects this worker to its primary. */
export async function joinPrimary() {
  let readSamples: () => Promise<Samples> = async () => [];
  const handlers: Handlers = { samples: () => readSamples() };
  const call: Call = connectToPrimary(handlers);
  const { index, workers } = await call<WorkerAssignment>('assignment');
  const primary: PrimaryChannel = {
    memory: createStoresClient(call),
    runsBackgroundWork: index === 0,
    scrape: () => call('scrape'),
    sumSamples: () => call('sumSamples'),
    setSamplesReader(read) {
      readSamples = read;
    },
    reportMetrics: (samples) => call('report', samples),
  };
  return { primary, index, workers, reportReady: (addresses: ServiceUrls) => call<void>('ready', addresses) };
}

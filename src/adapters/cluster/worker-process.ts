import cluster, { type Worker } from 'node:cluster';
import { type Call, connectCalls, type Handlers } from './calls.ts';

/** How a process ended: its exit code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why the process could not be started. */
  readonly reason?: string;
}

/** The primary's handle of a worker. */
export interface WorkerProcess {
  readonly pid: number;
  readonly call: Call;
  /** Resolves when the process is gone. */
  readonly exited: Promise<Exit>;
  /** Asks the process to end, with SIGTERM. A process that is still loading its modules ends at once. */
  stop(): void;
  kill(): void;
}

/** Starts this program again as a worker, which shares the listening sockets of this process. */
export function forkWorker(handlers: Handlers): WorkerProcess {
  // Metrics contain values that JSON cannot express.
  cluster.setupPrimary({ serialization: 'advanced' });
  const worker = cluster.fork();
  const call = connectCalls(channelTo(worker), handlers);
  return {
    pid: worker.process.pid ?? 0,
    call,
    exited: exitOf(worker),
    stop: () => worker.process.kill('SIGTERM'),
    kill: () => worker.process.kill('SIGKILL'),
  };
}

/**
 * Resolves also if the process could not be started, for example at a limit of processes. Node then emits no `exit`.
 */
function exitOf(worker: Worker): Promise<Exit> {
  return new Promise((resolve) => {
    worker.once('exit', (code, signal) => resolve({ code, signal }));
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) resolve({ code: null, signal: null, reason: error.message });
    });
  });
}

/** Whether another process of this service started this one. */
export function isWorker(): boolean {
  return cluster.isWorker;
}

/** Connects this worker to the process that started it. */
export function connectToPrimary(handlers: Handlers): Call {
  const { worker } = cluster;
  if (worker === undefined) throw new Error('This process is not a worker.');
  return connectCalls(channelTo(worker), handlers);
}

function channelTo(worker: Worker) {
  return {
    // Errors are ignored: a message to a worker that has just ended has no receiver.
    send: (message: object) => void worker.send(message, () => {}),
    onMessage: (listener: (message: unknown) => void) => void worker.on('message', listener),
  };
}

import { Worker } from 'node:worker_threads';

/** The input of the worker: the database that it serves until a message arrives. */
export interface WorkerInput {
  readonly folder: string;
  readonly socketPath: string;
}

/** A message of the worker: clients can connect, PostgreSQL failed, or other clients than the service came or went. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'fatal'; readonly reason: string }
  | { readonly kind: 'clients'; readonly hasOtherClients: boolean };

export interface ServingThread {
  /** Closes the database and ends the thread. Returns immediately if the thread has already ended. */
  stop(): Promise<void>;
  /** Resolves with the reason if the thread ends without `stop`. */
  readonly failure: Promise<Error>;
  /** Calls the listener before the first other client runs a statement, and after the last one has disconnected. */
  watchOtherClients(listener: OtherClientsListener): void;
}

/** `hasOtherClients`: whether a client other than the service is connected, such as a command. */
export type OtherClientsListener = (hasOtherClients: boolean) => void;

/** Opens the database in the folder and serves it on the socket. Resolves when clients can connect. */
export async function serveDatabase(folder: string, socketPath: string): Promise<ServingThread> {
  const worker = startThread({ folder, socketPath });
  const ended = waitForEnd(worker);
  const ready = new Promise<undefined>((resolve) => {
    worker.on('message', ({ kind }: WorkerMessage) => {
      if (kind === 'ready') resolve(undefined);
    });
  });
  const error = await Promise.race([ready, ended.then(toEndError)]);
  if (error !== undefined) throw error;

  let hasEnded = false;
  let stopping = false;
  const failure = new Promise<Error>((resolve) => {
    void ended.then((error) => {
      hasEnded = true;
      if (!stopping) resolve(toEndError(error));
    });
  });
  const stop = async () => {
    if (hasEnded) return;
    stopping = true;
    worker.postMessage('stop');
    const error = await ended;
    if (error !== undefined) throw error;
  };
  const watchOtherClients = (listener: OtherClientsListener) => {
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'clients') listener(message.hasOtherClients);
    });
  };
  return { stop, failure, watchOtherClients };
}

/** Starts the worker. The built worker is in `dist/`. The source of the worker is in the folder of this file. */
function startThread(input: WorkerInput): Worker {
  const options = { workerData: input, name: 'embedded-postgres' };
  if (import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./worker.ts', import.meta.url), { ...options, ...tsxInWorkers() });
  const root = import.meta.resolve('#package.json');
  return new Worker(new URL('dist/adapters/postgres/embedded/worker.js', root), options);
}

/** Workers inherit the loader of the sources. Only tsx on Node 20 must be registered again in each worker. */
function tsxInWorkers(): { execArgv?: string[] } {
  if (!process.execArgv.some((argument) => argument.includes('tsx'))) return {};
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import { register } from ${tsx}; register();`;
  return { execArgv: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] };
}

/** Resolves when the thread has ended: with its error, or with undefined if it ended normally. */
function waitForEnd(worker: Worker): Promise<Error | undefined> {
  return new Promise((resolve) => {
    let error: Error | undefined;
    worker.on('message', (report: WorkerMessage) => {
      if (report.kind === 'fatal') error = new Error(report.reason);
    });
    worker.once('error', (thrown: unknown) => {
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
    });
    worker.once('exit', (code) => {
      resolve(error ?? (code === 0 ? undefined : new Error(`The thread exited with code ${code}`)));
    });
  });
}

/** The error of a thread that ended without `stop`. */
function toEndError(error: Error | undefined): Error {
  return error ?? new Error('The thread of the embedded database ended unexpectedly');
}

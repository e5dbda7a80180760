import { Worker } from 'node:worker_threads';

/** What the worker is to do: make a new database and end, or serve one until it gets a message. */
export type Task =
  | { readonly kind: 'create'; readonly folder: string }
  | { readonly kind: 'serve'; readonly folder: string; readonly socketPath: string };

/** What the worker says: that clients can connect, or what PostgreSQL died of. */
export type Report = { readonly kind: 'ready' } | { readonly kind: 'fatal'; readonly reason: string };

export interface ServingThread {
  /** Ends the thread once the database is closed; at once if the thread is gone already. */
  stop(): Promise<void>;
  /** Resolves, with the reason, when the thread ends without having been stopped; otherwise never. */
  readonly failed: Promise<Error>;
}

/**
 * Makes a new database in the folder, in a thread of its own: the memory that this takes, more than twice what
 * serving takes, goes with the thread.
 */
export async function create(folder: string): Promise<void> {
  const error = await ending(start({ kind: 'create', folder }));
  if (error !== undefined) throw error;
}

/** Opens the folder's database and serves it on the socket; resolves once clients can connect. */
export async function serve(folder: string, socketPath: string): Promise<ServingThread> {
  const worker = start({ kind: 'serve', folder, socketPath });
  const ended = ending(worker);
  const ready = new Promise<undefined>((resolve) => {
    worker.on('message', ({ kind }: Report) => {
      if (kind === 'ready') resolve(undefined);
    });
  });
  const error = await Promise.race([ready, ended.then(orUnexpected)]);
  if (error !== undefined) throw error;

  let gone = false;
  let stopping = false;
  const failed = new Promise<Error>((resolve) => {
    void ended.then((error) => {
      gone = true;
      if (!stopping) resolve(orUnexpected(error));
    });
  });
  const stop = async () => {
    if (gone) return;
    stopping = true;
    worker.postMessage('stop');
    const error = await ended;
    if (error !== undefined) throw error;
  };
  return { stop, failed };
}

/** Built, its entry lies in `dist/`, wherever this code was put; else it lies beside this file. */
function start(task: Task): Worker {
  const options = { workerData: task, name: 'embedded-postgres' };
  if (import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./worker.ts', import.meta.url), { ...options, ...tsxInWorkers() });
  const root = import.meta.resolve('#package.json');
  return new Worker(new URL('dist/adapters/postgres/embedded/worker.js', root), options);
}

/** Workers inherit the loader of the sources, except that tsx on Node 20 has to be registered there again. */
function tsxInWorkers(): { execArgv?: string[] } {
  if (!process.execArgv.some((argument) => argument.includes('tsx'))) return {};
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import { register } from ${tsx}; register();`;
  return { execArgv: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] };
}

/** Resolves when the thread is gone: with what killed it, or with nothing if it ended by itself. */
function ending(worker: Worker): Promise<Error | undefined> {
  return new Promise((resolve) => {
    let error: Error | undefined;
    worker.on('message', (report: Report) => {
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

function orUnexpected(error: Error | undefined): Error {
  return error ?? new Error('The thread of the embedded database ended by itself');
}

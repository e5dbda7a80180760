import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { shareSession } from './share-session.ts';
import type { WorkerInput, WorkerMessage } from './thread.ts';

/** The service has one connection, and each command that runs at the same time has one more. */
const MAX_CLIENTS = 16;

/** Milliseconds between two checks whether other clients are connected. The socket server reports no disconnection. */
const CHECK_INTERVAL = 200;

const input = workerData as WorkerInput;
const parent = parentPort!;
const db = await PGlite.create(input.folder, { onStderr: endWhenFatal });
await serve(input.socketPath);

async function serve(path: string): Promise<void> {
  const server = new PGLiteSocketServer({ db, path, maxConnections: MAX_CLIENTS });
  const clients = () => server.getStats().activeConnections;
  let hasOtherClients = false;
  const reportOtherClients = () => {
    if (clients() > 1 === hasOtherClients) return;
    hasOtherClients = !hasOtherClients;
    report({ kind: 'clients', hasOtherClients });
  };
  shareSession(db, clients, reportOtherClients);
  await server.start();
  setInterval(reportOtherClients, CHECK_INTERVAL).unref();
  parent.once('message', () => stop(server));
  report({ kind: 'ready' });
}

async function stop(server: PGLiteSocketServer): Promise<void> {
  await server.stop();
  await db.close();
  parent.close();
}

/**
 * Ends the thread when PostgreSQL logs FATAL or PANIC. Such an error ends the session, and PGlite has only one session.
 * PGlite then loops or answers no client. The text of a client cannot imitate the start of a log entry, because a
 * continuation line begins with a tab.
 */
function endWhenFatal(line: string): false {
  const reason = /^\S+ \S+ \S+ \[\d+\] ((FATAL|PANIC):.*)/.exec(line)?.[1];
  if (reason === undefined) return false;
  report({ kind: 'fatal', reason });
  process.exit(1);
}

function report(message: WorkerMessage): void {
  parent.postMessage(message);
}

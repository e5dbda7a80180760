import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { shareSession } from './share-session.ts';
import type { Report, Task } from './thread.ts';

/** The service has one, and command-line tools come beside it. */
const MAX_CLIENTS = 16;

const task = workerData as Task;
const parent = parentPort!;
// Opening creates: PGlite makes a new database in a folder that has none.
const db = await PGlite.create(task.folder, { onStderr: endWhenFatal });
if (task.kind === 'create') await db.close();
else await serve(task.socketPath);

async function serve(path: string): Promise<void> {
  const server = new PGLiteSocketServer({ db, path, maxConnections: MAX_CLIENTS });
  shareSession(db, () => server.getStats().activeConnections);
  await server.start();
  parent.once('message', () => stop(server));
  report({ kind: 'ready' });
}

async function stop(server: PGLiteSocketServer): Promise<void> {
  await server.stop();
  await db.close();
  parent.close();
}

/**
 * A FATAL or PANIC in PostgreSQL's log ends its session, the only one PGlite has. PGlite then spins, or leaves
 * every client without an answer, so the thread ends here. Lines that continue an entry begin with a tab:
 * no client's text can pass for the start of one.
 */
function endWhenFatal(line: string): false {
  const reason = /^\S+ \S+ \S+ \[\d+\] ((FATAL|PANIC):.*)/.exec(line)?.[1];
  if (reason === undefined) return false;
  report({ kind: 'fatal', reason });
  process.exit(1);
}

function report(message: Report): void {
  parent.postMessage(message);
}

import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { shareSession } from './share-session.ts';
import type { Report, Task } from './thread.ts';

/** The service has one connection. Commands that run at the same time have one each. */
const MAX_CLIENTS = 16;

const task = workerData as Task;
const parent = parentPort!;
const db = await PGlite.create(task.folder, { onStderr: endWhenFatal });
await serve(task.socketPath);

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
 * A FATAL or PANIC in PostgreSQL's log ends its session, and PGlite has only one. PGlite then loops or answers no
 * client, so the thread must end. A continuation line of the log begins with a tab, so the text of a client cannot
 * imitate the start of an entry.
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

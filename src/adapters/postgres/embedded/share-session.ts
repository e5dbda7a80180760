import type { PGlite } from '@electric-sql/pglite';

const STARTUP = 0;
const SYNC = 'S';
/** The messages Parse, Bind, Describe, Execute and Close. A Sync must follow them. */
const NEEDS_SYNC = 'PBDEC';

/**
 * Makes one PGlite safe for a socket server with several clients. PostgreSQL has one session for each client, but
 * PGlite has one session for all clients. The socket server passes their messages to PGlite one by one. While
 * `isInTransaction()` is true, the server passes on only messages of the client that it served last. If that client
 * disconnects, the server calls `exec('ROLLBACK')`. This function replaces methods of PGlite, with these effects:
 *
 * - From a client's first Parse to its Sync no other client is served. Otherwise the statements of two clients mix, and
 *   their results are empty.
 * - The statements of a client that disconnects before its Sync are rolled back. Otherwise the next client's Sync would
 *   commit them. After an error, the next client's messages would be skipped.
 * - A client that connects while no other client is connected gets a clean session, as on a real server. Earlier
 *   settings, locks and prepared statements are discarded.
 *
 * Clients that are connected at the same time still share settings, temporary tables and session-level advisory locks.
 * Such a lock therefore excludes no other client.
 *
 * @param clients returns the number of connected clients, including a client that is connecting
 * @param onConnect is called before the first statement of a client
 */
export function shareSession(db: PGlite, clients: () => number, onConnect: () => void): void {
  const isInTransaction = db.isInTransaction.bind(db);
  const send = db.execProtocolRawStream.bind(db);
  const exec = db.exec.bind(db);
  let needsSync = false;

  db.isInTransaction = () => needsSync || isInTransaction();

  db.execProtocolRawStream = async (message, options) => {
    const type = String.fromCharCode(message[0]!);
    if (message[0] === STARTUP) onConnect();
    if (message[0] === STARTUP && clients() === 1) await send(DISCARD_ALL, { onRawData: () => undefined });
    if (NEEDS_SYNC.includes(type)) needsSync = true;
    await send(message, options);
    if (type === SYNC) needsSync = false;
  };

  // `exec` sends the query and then a Sync. After an error PostgreSQL skips all messages up to a Sync, so it skips the
  // query of the first call. The second call then executes the query.
  db.exec = async (query, options) => {
    await exec(query, options);
    needsSync = false;
    return exec(query, options);
  };
}

const DISCARD_ALL = simpleQuery('DISCARD ALL');

/** PostgreSQL's Query message: the type, the length of the rest, the text and a zero byte. */
function simpleQuery(text: string): Uint8Array {
  const message = Buffer.alloc(text.length + 6);
  message.write('Q');
  message.writeInt32BE(text.length + 5, 1);
  message.write(text, 5);
  return new Uint8Array(message);
}

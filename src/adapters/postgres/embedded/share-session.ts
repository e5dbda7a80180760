import type { PGlite } from '@electric-sql/pglite';

const STARTUP = 0;
const SYNC = 'S';
/** Parse, Bind, Describe, Execute, Close: what a Sync has yet to end. */
const UNENDED = 'PBDEC';

/**
 * Makes one PGlite safe for a socket server that serves several clients. PostgreSQL has a session for each
 * client, PGlite has one for all, and the socket server hands it their messages one by one. It keeps to one
 * client while `isInTransaction()` holds, and when a client goes while it holds, it calls `exec('ROLLBACK')`.
 * This widens both, and adds a third thing:
 *
 * - From a client's first Parse to its Sync nobody else gets in between. Otherwise the statements of two
 *   clients mix, and come back empty.
 * - What a vanished client left without a Sync is rolled back too. Otherwise the next client's Sync commits
 *   it, or, after an error, the next client's messages are skipped.
 * - A client that comes when nobody else is there finds a clean session: settings, locks and prepared
 *   statements of earlier ones are gone, as they would be on a real server.
 *
 * Still shared among clients that are there at once: settings, temporary tables and session-level advisory
 * locks, which therefore exclude nobody.
 *
 * @param clients how many clients are connected, the one that is just starting included
 */
export function shareSession(db: PGlite, clients: () => number): void {
  const isInTransaction = db.isInTransaction.bind(db);
  const send = db.execProtocolRawStream.bind(db);
  const exec = db.exec.bind(db);
  let unended = false;

  db.isInTransaction = () => unended || isInTransaction();

  db.execProtocolRawStream = async (message, options) => {
    const type = String.fromCharCode(message[0]!);
    if (message[0] === STARTUP && clients() === 1) await send(DISCARD_ALL, { onRawData: () => undefined });
    if (UNENDED.includes(type)) unended = true;
    await send(message, options);
    if (type === SYNC) unended = false;
  };

  // After an error PostgreSQL skips everything up to a Sync, the first ROLLBACK too; exec() ends with that Sync.
  db.exec = async (query, options) => {
    await exec(query, options);
    unended = false;
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

import { Socket } from 'node:net';

interface Address {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** Of a Unix socket, instead of the two. */
  readonly path: string | false;
}

/** What the driver reads of a socket to verify a certificate. */
type DialledSocket = Socket & { host?: string };

/**
 * A connection to the first host, under way. The driver by itself would dial for ever and without a pause, with
 * the statement waiting, where somebody takes the connection and ends it without a word, as proxies do whose
 * database is away (porsager/postgres#1193): here that is a connection lost.
 */
export function dial({ host: [host = ''], port: [port = 0], path }: Address): Socket {
  const socket: DialledSocket = new Socket();
  socket.host = host;
  socket.once('end', () => {
    if (socket.bytesRead === 0) socket.destroy(new ConnectionEnded());
  });
  // Not before the driver listens to what may go wrong with it; what it says until then is kept.
  socket.cork();
  setImmediate(() => {
    if (socket.destroyed) return;
    if (path === false) socket.connect(port, host);
    else socket.connect(path);
    socket.uncork();
  });
  return socket;
}

class ConnectionEnded extends Error {
  readonly code = 'ECONNRESET';

  constructor() {
    super('The connection was taken and ended without a word.');
  }
}

import { once } from 'node:events';
import { isIP, Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { isConnectionLost } from './connection-lost.ts';
import { DatabaseUnusable } from './session.ts';
import type { ConnectionTarget, ServerHost } from './url.ts';

/** PostgreSQL's SSLRequest: the length and the code 80877103. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const YES = 0x53;
const NO = 0x4e;

/** Connects to one server, with the encryption that the target requires. On failure closes the socket and rejects. */
export async function openConnection(
  target: ConnectionTarget,
  host: ServerHost,
  stop: AbortSignal,
): Promise<Socket> {
  const controller = new AbortController();
  const { signal } = controller;
  const socket = new Socket();
  const onAbort = () => {
    controller.abort();
    socket.destroy();
  };
  // Not AbortSignal.timeout inside AbortSignal.any: a garbage collection ends that timeout (Node.js 20, 22.12).
  const late = setTimeout(onAbort, target.connectTimeout);
  stop.addEventListener('abort', onAbort);
  try {
    const { keepAlive } = target;
    const common = {
      noDelay: true,
      keepAlive: keepAlive !== null,
      keepAliveInitialDelay: (keepAlive ?? 0) * 1_000,
    };
    if (host.path === null) socket.connect({ ...common, host: host.host, port: host.port });
    else socket.connect(host.path);
    await once(socket, 'connect', { signal });
    if (target.tls === 'disable' || host.path !== null) return socket;
    return await encrypt(socket, target, host, signal);
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? new ConnectTimeout() : error;
  } finally {
    clearTimeout(late);
    stop.removeEventListener('abort', onAbort);
  }
}

async function encrypt(socket: Socket, target: ConnectionTarget, host: ServerHost, signal: AbortSignal) {
  if (!target.isDirectTls && !(await offersTls(socket, signal)))
    throw new DatabaseUnusable(
      'The database offers no TLS, but sslmode in DATABASE_URL requires it. Enable TLS on the server.',
    );
  try {
    const encrypted = connectTls({
      socket,
      ...target.certificates,
      ...verificationOptions(target, host),
      ...(target.isDirectTls && { ALPNProtocols: ['postgresql'] }),
    });
    // At the deadline the socket emits another error, after `once` has removed its listener.
    encrypted.on('error', () => {});
    await once(encrypted, 'secureConnect', { signal });
    return encrypted;
  } catch (error) {
    // Any other error is about a certificate or a TLS version, which an operator must change.
    throw signal.aborted || isConnectionLost(error)
      ? error
      : new DatabaseUnusable(`TLS with the database ${host.host} failed: ${error}.`);
  }
}

async function offersTls(socket: Socket, signal: AbortSignal): Promise<boolean> {
  socket.write(SSL_REQUEST);
  const ended = new AbortController();
  const onEnd = () => ended.abort();
  socket.once('close', onEnd).once('end', onEnd);
  const [answer] = await once(socket, 'data', { signal: AbortSignal.any([signal, ended.signal]) }).catch(
    (error) => {
      throw ended.signal.aborted ? new ConnectionEnded() : error;
    },
  );
  socket.off('close', onEnd).off('end', onEnd);
  // Bytes after the answer may come from an attacker in the middle (CVE-2021-23214). An answer other than YES or NO
  // begins an error message. A server with too many connections sends one.
  if (answer.length !== 1 || (answer[0] !== YES && answer[0] !== NO)) throw new ConnectionEnded();
  return answer[0] === YES;
}

function verificationOptions({ tls }: ConnectionTarget, { host }: ServerHost): ConnectionOptions {
  const name = { host, ...(isIP(host) === 0 && { servername: host }) };
  return tls === 'verify-full' ? name : { ...name, checkServerIdentity: () => undefined };
}

/** The connection ended before the server was ready. */
export class ConnectionEnded extends Error {
  readonly code = 'ECONNRESET';

  constructor() {
    super('The connection ended before the database was ready.');
  }
}

export class ConnectTimeout extends Error {
  readonly code = 'CONNECT_TIMEOUT';

  constructor() {
    super('The database did not accept the connection in time.');
  }
}

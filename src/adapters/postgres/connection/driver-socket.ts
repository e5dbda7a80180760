import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { ConnectionLost } from './connection-lost.ts';
import { startHandshake } from './handshake.ts';
import { ConnectionEnded, ConnectTimeout, openConnection } from './open-connection.ts';
import { checkSession, type ServerSessionOptions, sessionStatements } from './session.ts';
import type { ConnectionTarget } from './url.ts';

/**
 * Milliseconds in which a host is not tried again after a wrong role. If there are several hosts, also after a failed
 * connection or handshake.
 */
const RETRY_PAUSE = 500;

/**
 * Creates a socket for the driver. `onLost` is called when its connection closes after the server was ready, unless the
 * driver has ended it.
 */
export type Connector = (onLost?: () => void) => DriverSocket;

/** Returns a function that creates sockets for the driver. The host that was accepted last is tried first. */
export function createConnector(target: ConnectionTarget, options: ServerSessionOptions): Connector {
  const statements = sessionStatements(options);
  const { hosts } = target;
  const failedAt = hosts.map(() => Number.NEGATIVE_INFINITY);
  let preferred = 0;

  return (onLost = () => {}) =>
    new DriverSocket({ statements, timeout: target.connectTimeout, open, check, markFailed, onLost });

  async function open(stop: AbortSignal): Promise<OpenConnection> {
    let reason: unknown = new NoSuitableServer();
    for (const index of candidates()) {
      try {
        return { socket: await openConnection(target, hosts[index]!, stop), index };
      } catch (error) {
        reason = error;
        if (stop.aborted) break;
        markFailed(index);
      }
    }
    throw reason;
  }

  function candidates(): number[] {
    const inOrder = hosts.map((_, index) => (preferred + index) % hosts.length);
    return inOrder.filter((index) => performance.now() - failedAt[index]! >= RETRY_PAUSE);
  }

  function markFailed(index: number): boolean {
    if (hosts.length === 1) return false;
    failedAt[index] = performance.now();
    return candidates().length > 0;
  }

  function check(index: number, row: readonly string[]): ReturnType<typeof checkSession> {
    const result = checkSession(options, row);
    if (result === 'ok') preferred = index;
    else failedAt[index] = performance.now();
    return result;
  }
}

interface OpenConnection {
  readonly socket: Socket;
  readonly index: number;
}

interface ConnectorHooks {
  readonly statements: string;
  /** Milliseconds for the handshake, after the host has accepted the connection. */
  readonly timeout: number;
  open(stop: AbortSignal): Promise<OpenConnection>;
  /** Checks the row of facts about the server session. Throws if the service cannot use the server. */
  check(index: number, row: readonly string[]): 'ok' | 'wrong-server';
  /** Records that this host failed. Returns whether another host can be tried now. */
  markFailed(index: number): boolean;
  /** Called when a ready connection closes that the driver has not ended, before the driver learns of the close. */
  onLost(): void;
}

/**
 * A socket for the driver. It connects, encrypts and sets up the session by itself.
 *
 * Some proxies accept a connection and close it at once while their database is down. The driver would then reconnect
 * endlessly and without a pause (porsager/postgres#1193). So a close before the server is ready is an error here.
 *
 * To try the next host, the socket closes without an error before the server is ready. The driver then creates another
 * socket for the same statement.
 */
export class DriverSocket extends EventEmitter {
  /** The driver calls `end` only while this is `open`. */
  readyState: 'open' | 'closed' = 'open';

  readonly #hooks: ConnectorHooks;
  readonly #stop = new AbortController();
  #unsent: Buffer[] = [];
  #socket: Socket | null = null;
  #isReady = false;
  /** Whether the driver ended the connection, such as an idle one at its `max_lifetime`. */
  #isEnded = false;

  constructor(hooks: ConnectorHooks) {
    super();
    this.#hooks = hooks;
    // The driver attaches its listeners only after the constructor has returned.
    setImmediate(() => void this.#connect());
  }

  write(bytes: Buffer, onWritten?: () => void): boolean {
    if (this.#socket !== null) return this.#socket.write(bytes, onWritten);
    this.#unsent.push(bytes);
    return true;
  }

  end(bytes: Buffer): void {
    this.#isEnded = true;
    if (this.#socket === null) this.destroy();
    else this.#socket.end(bytes);
  }

  destroy(error?: Error): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#socket?.destroy();
    this.readyState = 'closed';
    if (this.#isReady && !this.#isEnded) this.#hooks.onLost();
    const reason = error !== undefined && this.#isReady ? new ConnectionLost(error) : error;
    // In one turn: the driver never settles a statement that it sends between the error and the close.
    setImmediate(() => {
      if (reason !== undefined) this.emit('error', reason);
      this.emit('close', reason !== undefined);
    });
  }

  async #connect(): Promise<void> {
    try {
      this.#attach(await this.#hooks.open(this.#stop.signal));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #attach({ socket, index }: OpenConnection): void {
    if (this.#stop.signal.aborted) return void socket.destroy();
    this.#socket = socket;
    const handshake = startHandshake(this.#hooks.statements, {
      pass: (bytes) => this.emit('data', bytes),
      send: (bytes) => socket.write(bytes),
      decide: (row) => {
        if (!this.#isAccepted(index, row)) return;
        this.#isReady = true;
        socket.off('data', take).on('data', (bytes) => this.emit('data', bytes));
        handshake.finish();
      },
    });
    const fail = (error: Error) => this.#fail(index, error);
    const take = (bytes: Buffer) => {
      try {
        handshake.take(bytes);
      } catch (error) {
        fail(error as Error);
      }
    };
    socket.on('data', take);
    socket.on('drain', () => this.emit('drain'));
    socket.on('error', fail);
    socket.once('end', () => {
      if (!this.#isReady) fail(new ConnectionEnded());
    });
    const late = setTimeout(() => {
      if (!this.#isReady) fail(new ConnectTimeout());
    }, this.#hooks.timeout);
    socket.once('close', () => {
      clearTimeout(late);
      this.destroy();
    });
    for (const bytes of this.#unsent) socket.write(bytes);
    this.#unsent = [];
  }

  /**
   * Before the server is ready, closes without an error if another host can be tried. The driver then connects again.
   */
  #fail(index: number, error: Error): void {
    if (this.#stop.signal.aborted) return;
    if (!this.#isReady && this.#hooks.markFailed(index)) this.destroy();
    else this.destroy(error);
  }

  /** A null row means that a statement failed. The driver has already received that error. */
  #isAccepted(index: number, row: readonly string[] | null): boolean {
    try {
      if (row !== null && this.#hooks.check(index, row) === 'ok') return true;
      this.destroy();
    } catch (error) {
      this.destroy(error as Error);
    }
    return false;
  }
}

class NoSuitableServer extends Error {
  readonly code = 'NO_SUITABLE_SERVER';

  constructor() {
    super('No host in DATABASE_URL can be used: each failed, or does not fit target_session_attrs.');
  }
}

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { startHandshake } from './handshake.ts';
import { ConnectionEnded, ConnectTimeout, openLine } from './open-line.ts';
import { judgeSession, type SessionWishes, sessionStatements } from './session.ts';
import type { ConnectionTarget } from './url.ts';

/** Milliseconds in which a host that is not the wanted one is not tried again. */
const PASS_OVER = 500;

/** Makes connections for the driver. Hosts are tried in order, beginning with the one that was right last. */
export function createConnector(target: ConnectionTarget, wishes: SessionWishes): () => DialledSocket {
  const statements = sessionStatements(wishes);
  const { hosts } = target;
  const passedOverAt = hosts.map(() => Number.NEGATIVE_INFINITY);
  let preferred = 0;

  return () => new DialledSocket({ statements, timeout: target.connectTimeout, open, judge, passOver });

  async function open(stop: AbortSignal): Promise<OpenLine> {
    let reason: unknown = new NoSuitableServer();
    for (const index of candidates()) {
      try {
        return { socket: await openLine(target, hosts[index]!, stop), index };
      } catch (error) {
        reason = error;
        if (stop.aborted) break;
      }
    }
    throw reason;
  }

  function candidates(): number[] {
    const inOrder = hosts.map((_, index) => (preferred + index) % hosts.length);
    return inOrder.filter((index) => performance.now() - passedOverAt[index]! >= PASS_OVER);
  }

  function passOver(index: number): boolean {
    if (hosts.length === 1) return false;
    passedOverAt[index] = performance.now();
    return candidates().length > 0;
  }

  function judge(index: number, row: readonly string[]): ReturnType<typeof judgeSession> {
    const verdict = judgeSession(wishes, row);
    if (verdict === 'ok') preferred = index;
    else passedOverAt[index] = performance.now();
    return verdict;
  }
}

interface OpenLine {
  readonly socket: Socket;
  readonly index: number;
}

interface Dialling {
  readonly statements: string;
  /** Milliseconds in which a host must be ready after it accepted the connection. */
  readonly timeout: number;
  open(stop: AbortSignal): Promise<OpenLine>;
  judge(index: number, row: readonly string[]): 'ok' | 'wrong-server';
  /** Notes that this host failed; true where another one can be tried now. */
  passOver(index: number): boolean;
}

/**
 * A socket as the driver uses one. It is connected, encrypted and set up behind the driver's back.
 *
 * The driver by itself would dial without end and without a pause where a connection is accepted and ended at once, as
 * proxies do whose database is away (porsager/postgres#1193): so that is an error here. A close without an error
 * before the server is ready makes the driver dial again for the same statement, which is how the next host is tried.
 */
export class DialledSocket extends EventEmitter {
  /** What the driver closes is ended; see `end`. */
  readyState: 'open' | 'closed' = 'open';

  readonly #dialling: Dialling;
  readonly #stop = new AbortController();
  #waiting: Buffer[] = [];
  #line: Socket | null = null;
  #isReady = false;

  constructor(dialling: Dialling) {
    super();
    this.#dialling = dialling;
    // Not before the driver listens to what may go wrong.
    setImmediate(() => void this.#dial());
  }

  write(bytes: Buffer, onWritten?: () => void): boolean {
    if (this.#line !== null) return this.#line.write(bytes, onWritten);
    this.#waiting.push(bytes);
    return true;
  }

  end(bytes: Buffer): void {
    if (this.#line === null) this.destroy();
    else this.#line.end(bytes);
  }

  destroy(error?: Error): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#line?.destroy();
    if (error !== undefined) this.emit('error', error);
    this.#close(error !== undefined);
  }

  async #dial(): Promise<void> {
    try {
      this.#attach(await this.#dialling.open(this.#stop.signal));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #attach({ socket, index }: OpenLine): void {
    if (this.#stop.signal.aborted) return void socket.destroy();
    this.#line = socket;
    const handshake = startHandshake(this.#dialling.statements, {
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
    }, this.#dialling.timeout);
    socket.once('close', () => {
      clearTimeout(late);
      this.destroy();
    });
    for (const bytes of this.#waiting) socket.write(bytes);
    this.#waiting = [];
  }

  /** While another host can be tried, the driver dials again and hears of no error. */
  #fail(index: number, error: Error): void {
    if (this.#stop.signal.aborted) return;
    if (!this.#isReady && this.#dialling.passOver(index)) this.destroy();
    else this.destroy(error);
  }

  /** Without a row the driver was told of the error already. */
  #isAccepted(index: number, row: readonly string[] | null): boolean {
    try {
      if (row !== null && this.#dialling.judge(index, row) === 'ok') return true;
      this.destroy();
    } catch (error) {
      this.destroy(error as Error);
    }
    return false;
  }

  #close(hadError: boolean): void {
    this.readyState = 'closed';
    setImmediate(() => this.emit('close', hadError));
  }
}

class NoSuitableServer extends Error {
  readonly code = 'NO_SUITABLE_SERVER';

  constructor() {
    super('No host of DATABASE_URL is the server that target_session_attrs asks for.');
  }
}

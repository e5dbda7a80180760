import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { startHandshake } from './handshake.ts';
import { ConnectionEnded, openLine } from './open-line.ts';
import { judgeSession, type SessionWishes, sessionStatements } from './session.ts';
import type { ConnectionTarget } from './url.ts';

/** Milliseconds in which a host that is not the wanted one is not tried again. */
const PASS_OVER = 500;

/** Makes connections for the driver. Hosts are tried in order, beginning with the one that was right last. */
export function createDialer(target: ConnectionTarget, wishes: SessionWishes): () => DialledSocket {
  const statements = sessionStatements(wishes);
  const { hosts } = target;
  const passedOverAt = hosts.map(() => Number.NEGATIVE_INFINITY);
  let preferred = 0;

  return () => new DialledSocket({ statements, open, judge });

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
  open(stop: AbortSignal): Promise<OpenLine>;
  judge(index: number, row: readonly string[]): 'ok' | 'wrong-server';
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
    const take = (bytes: Buffer) => handshake.take(bytes);
    socket.on('data', take);
    socket.on('drain', () => this.emit('drain'));
    socket.on('error', (error) => this.destroy(error));
    socket.once('end', () => {
      if (!this.#isReady) this.destroy(new ConnectionEnded());
    });
    socket.once('close', () => this.#end());
    for (const bytes of this.#waiting) socket.write(bytes);
    this.#waiting = [];
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

  #end(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#close(false);
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

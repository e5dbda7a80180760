import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';

/** A TCP proxy that simulates the faults of a network. */
export interface TcpProxy {
  /** The port on 127.0.0.1. */
  readonly port: number;
  /** Milliseconds that bytes are held back, in each direction. */
  delayMs: number;
  /** Destroys all open connections. */
  cut(): void;
  /** Resets all open connections (RST). */
  reset(): void;
  /** Stops passing bytes on, in both directions, and closes nothing. */
  pause(): void;
  resume(): void;
  /** Stops passing bytes on open connections, and closes none of them, like a machine that has vanished. */
  freezeOpenConnections(): void;
  /** With `true`, new connections are destroyed at once. Open connections stay open. */
  refuse(on: boolean): void;
  /**
   * Loses one answer. `match` gets all bytes that a connection has sent since this call. When it returns
   * true, these bytes still reach the target. The next bytes of the target are dropped, and the connection is
   * destroyed. This applies to the first connection that matches, and to no other.
   */
  loseAnswerTo(match: (bytesFromClient: Buffer) => boolean): void;
}

/**
 * Starts a proxy in front of the target, which ends with the test. Each new connection reads the address in
 * `target`.
 */
export async function tcpProxy(
  t: Pick<Test, 'teardown'>,
  target: { readonly host: string; readonly port: number },
): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const stranded = new WeakSet<Socket>();
  const loss = answerLoss();
  let refusing = false;
  let paused: Promise<void> | undefined;
  let release = () => {};

  const holdFor = (client: Socket) => async () => {
    if (proxy.delayMs > 0) await delay(proxy.delayMs);
    await paused;
    if (stranded.has(client)) await new Promise(() => {});
  };
  const track = (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // `pump` handles the end of the connection. Without a listener an error would end the process.
    socket.on('error', () => {});
  };
  const link = (client: Socket) => {
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    track(client);
    track(upstream);
    const hold = holdFor(client);
    void pump(client, upstream, hold, (bytes) => loss.noteRequest(client, bytes));
    void pump(upstream, client, hold, () => loss.throwIfLost(client));
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (refusing) client.destroy();
    else link(client);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    delayMs: 0,
    cut() {
      for (const socket of open) socket.destroy();
    },
    reset() {
      for (const socket of open) socket.resetAndDestroy();
    },
    pause() {
      paused ??= new Promise((resolve) => {
        release = resolve;
      });
    },
    resume() {
      release();
      paused = undefined;
    },
    freezeOpenConnections() {
      for (const socket of open) stranded.add(socket);
    },
    refuse(on) {
      refusing = on;
    },
    loseAnswerTo: loss.arm,
  };
  t.teardown(async () => {
    const closed = once(server.close(), 'close');
    proxy.cut();
    await closed;
  });
  return proxy;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'postgres:': 5432, 'amqp:': 5672 };

/** Starts a proxy in front of the server of a URL. Returns it with the URL that leads through it. */
export async function proxyTo(
  t: Pick<Test, 'teardown'>,
  target: string,
): Promise<{ proxy: TcpProxy; url: string }> {
  const url = new URL(target);
  const port = Number(url.port || DEFAULT_PORTS[url.protocol]);
  const proxy = await tcpProxy(t, { host: url.hostname, port });
  url.host = `127.0.0.1:${proxy.port}`;
  return { proxy, url: url.href };
}

/**
 * Copies bytes in order, no faster than `to` accepts them. An error, also of `inspect`, destroys both
 * sockets.
 */
async function pump(from: Socket, to: Socket, hold: () => Promise<void>, inspect: (bytes: Buffer) => void) {
  try {
    // A plain `for await` would destroy the socket at the end of one direction, while the other is still
    // open.
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      await hold();
      inspect(chunk);
      if (!to.write(chunk)) await once(to, 'drain');
    }
    to.end();
  } catch {
    from.destroy();
    to.destroy();
  }
}

function answerLoss() {
  const connectionsToCut = new WeakSet<Socket>();
  let matches: ((client: Socket, bytes: Buffer) => boolean) | undefined;
  return {
    arm(match: (bytesFromClient: Buffer) => boolean) {
      const sent = new WeakMap<Socket, Buffer>();
      matches = (client, bytes) => {
        const all = Buffer.concat([sent.get(client) ?? Buffer.alloc(0), bytes]);
        sent.set(client, all);
        return match(all);
      };
    },
    noteRequest(client: Socket, bytes: Buffer) {
      if (!matches?.(client, bytes)) return;
      matches = undefined;
      connectionsToCut.add(client);
    },
    throwIfLost(client: Socket) {
      if (connectionsToCut.has(client)) throw new Error('the test loses this answer');
    },
  };
}

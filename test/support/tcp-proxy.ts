import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';

/** The faults that a network has. */
export interface TcpProxy {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Milliseconds that bytes are held back, in each direction. */
  delayMs: number;
  /** Destroys all open connections. */
  cut(): void;
  /** Stops passing bytes on, in both directions, and closes nothing. */
  pause(): void;
  resume(): void;
  /** Passes nothing on any more for those that are open, and closes none of them, as a machine that is gone. */
  strand(): void;
  /** While on, new connections are destroyed at once; open ones live on. */
  refuse(on: boolean): void;
  /**
   * Loses one answer. `match` is given all that a connection has sent since this call; once it says yes, and the
   * bytes are on their way to the target, the next bytes that come back are swallowed and the connection is
   * destroyed. Holds for one connection, the first that matches.
   */
  cutAfterRequest(match: (bytesFromClient: Buffer) => boolean): void;
}

/** A proxy in front of the target, gone with the test. New connections go where the target is by then. */
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
    // The pumps see the end of it; without a listener an error would end the process.
    socket.on('error', () => {});
  };
  const link = (client: Socket) => {
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    track(client);
    track(upstream);
    const hold = holdFor(client);
    void pump(client, upstream, hold, (bytes) => loss.noteRequest(client, bytes));
    void pump(upstream, client, hold, () => loss.claimAnswer(client));
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
    pause() {
      paused ??= new Promise((resolve) => {
        release = resolve;
      });
    },
    resume() {
      release();
      paused = undefined;
    },
    strand() {
      for (const socket of open) stranded.add(socket);
    },
    refuse(on) {
      refusing = on;
    },
    cutAfterRequest: loss.arm,
  };
  t.teardown(async () => {
    const closed = once(server.close(), 'close');
    proxy.cut();
    await closed;
  });
  return proxy;
}

/** Passes bytes on, in order and no faster than they are taken. An error, or a throw of `inspect`, ends both. */
async function pump(from: Socket, to: Socket, hold: () => Promise<void>, inspect: (bytes: Buffer) => void) {
  try {
    // A plain `for await` would destroy the socket at the end of one direction, with the other one under way.
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
  const doomed = new WeakSet<Socket>();
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
      doomed.add(client);
    },
    claimAnswer(client: Socket) {
      if (doomed.has(client)) throw new Error('this answer is to be lost');
    },
  };
}

import { Server as TcpServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { sleep } from '../../../lib/time.ts';
import type { OpenResponses } from './open-responses.ts';

/** Phases of a shutdown, in milliseconds. */
export interface ShutdownTimes {
  /** How long idle connections stay open, so that clients learn of the shutdown first. */
  readonly drain: number;
  /** How long running requests may take after that. */
  readonly finish: number;
}

/**
 * Shuts down without losing a request. New connections are refused at once. Existing connections stay open for `drain`,
 * and the requests on them are answered.
 *
 * Node's own `close` ends idle connections at once, although a request may be in flight on them. A server must also
 * stop listening before it closes connections. Otherwise the kernel accepts new connections that the process never
 * answers.
 *
 * After `drain`, connections without a started request are closed, as they would delay the shutdown. After `finish`,
 * all connections are closed.
 */
export function enableGracefulShutdown(
  app: FastifyInstance,
  responses: OpenResponses,
  { drain, finish }: ShutdownTimes,
): void {
  let closing = false;

  app.addHook('preClose', async () => {
    closing = true;
    if (!app.server.listening) return;
    // The timer keeps the process alive: a paused connection does not, and the shutdown waits for its end.
    const deadline = setTimeout(() => app.server.closeAllConnections(), drain + finish);
    app.server.once('close', () => clearTimeout(deadline));
    TcpServer.prototype.close.call(app.server);
    await sleep(drain);
    for (const socket of responses.idleConnections()) socket.destroy();
  });
  // Fastify adds `connection: close` only to the answers of requests that begin during the shutdown. Without the
  // header, the connection of an earlier request would stay open indefinitely. Only the last answer of a connection may
  // have the header, because Node drops the answers behind it.
  app.addHook('onSend', ({ socket }, reply, payload, done) => {
    const isLast = responses.of(socket).at(-1) === reply.raw;
    if (closing) reply.header('connection', isLast ? 'close' : 'keep-alive');
    done(null, payload);
  });
}

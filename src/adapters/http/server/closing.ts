import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Socket, Server as TcpServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { sleep } from '../../../lib/time.ts';

/** Phases of a shutdown, in milliseconds. */
export interface ShutdownTimes {
  /** How long idle connections stay open, so that clients learn of the shutdown first. */
  readonly drain: number;
  /** How long running requests may take after that. */
  readonly finish: number;
}

/**
 * Shuts down without losing a request. New connections are refused at once. Existing connections stay open for `drain`
 * and get one more answer each.
 *
 * Node's own `close` ends idle connections at once, although a request may be in flight on them. A server must also
 * stop listening before it closes connections. Otherwise the kernel accepts new connections that the process never
 * answers.
 *
 * After `drain`, connections without a started request are closed, as they would delay the shutdown. After `finish`,
 * all connections are closed.
 */
export function enableGracefulShutdown(app: FastifyInstance, { drain, finish }: ShutdownTimes): void {
  const withoutRequest = connectionsWithoutRequest(app);
  let closing = false;

  app.addHook('preClose', async () => {
    closing = true;
    if (app.server.listening) TcpServer.prototype.close.call(app.server);
    await sleep(drain);
    for (const socket of withoutRequest) socket.destroy();
    setTimeout(() => app.server.closeAllConnections(), finish).unref();
  });
  // Fastify adds this header only to answers of requests that begin after the shutdown. A keep-alive answer
  // to an earlier request would keep its connection open indefinitely.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}

/** The connections without a request whose headers have arrived completely. */
function connectionsWithoutRequest({ server }: FastifyInstance): ReadonlySet<Socket> {
  const waiting = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    waiting.add(socket);
    socket.once('close', () => waiting.delete(socket));
  });
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    waiting.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) waiting.add(socket);
    });
  });
  return waiting;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Socket, Server as TcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** How a server ends. Times in milliseconds. */
export interface Closing {
  /** How long connections stay, so that clients learn of it before theirs ends. */
  readonly drain: number;
  /** How long requests under way get to finish after that. */
  readonly finish: number;
}

/**
 * From the first moment new connections are refused, and clients go elsewhere; those that are there stay for
 * `drain` and have one more answer each. Node's own way ends idle ones at once, with a request perhaps under way
 * on them; and a server that listens on while every answer ends its connection gets new ones up to the last
 * moment, which the system has taken and nobody will answer.
 *
 * Connections on which no request has begun are nobody's loss, and would hold the server up; and nothing holds it
 * up for longer than `finish`.
 */
export function closeWithoutLoss(app: FastifyInstance, { drain, finish }: Closing): void {
  const withoutRequest = connectionsWithoutRequest(app);
  let closing = false;

  app.addHook('preClose', async () => {
    closing = true;
    if (app.server.listening) TcpServer.prototype.close.call(app.server);
    await sleep(drain);
    for (const socket of withoutRequest) socket.destroy();
    setTimeout(() => app.server.closeAllConnections(), finish).unref();
  });
  // Fastify says so on requests that begin now; one that began before would leave its connection open for ever.
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}

/** The connections that wait for a request: its headers have not arrived whole. */
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

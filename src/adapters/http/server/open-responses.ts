import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export type OpenResponses = ReturnType<typeof createOpenResponses>;

/**
 * The responses that have not ended, of each connection. A client may send several requests without waiting for the
 * answers (RFC 9112 section 9.3.2).
 */
export function createOpenResponses() {
  const open = new Map<Duplex, Set<ServerResponse>>();

  return {
    /** Must be called before the server listens. */
    track(server: Server): void {
      server.on('connection', (socket: Socket) => {
        open.set(socket, new Set());
        socket.once('close', () => {
          closeWaiting(open.get(socket));
          open.delete(socket);
        });
      });
      server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
        open.get(socket)?.add(response);
        response.once('close', () => open.get(socket)?.delete(response));
      });
    },

    /** In the order of their requests. */
    of: (socket: Duplex): readonly ServerResponse[] => [...(open.get(socket) ?? [])],

    /** The connections without a request whose headers have arrived completely. */
    idleConnections: (): readonly Duplex[] =>
      [...open.keys()].filter((socket) => open.get(socket)?.size === 0),
  };
}

/** Node closes only the response whose turn it was. Those behind it have no socket, and would never end. */
function closeWaiting(responses: Iterable<ServerResponse> = []): void {
  for (const response of responses) if (response.socket === null) response.destroy().emit('close');
}

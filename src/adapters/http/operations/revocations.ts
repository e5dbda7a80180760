import type { FastifyReply } from 'fastify';
import type { FollowRevocations } from '../../../app/revocation/follow-revocations.ts';
import type { ServiceKey } from '../../../domain/service-key.ts';
import type { App } from '../server/app.ts';
import { problemResponses, textAnswer } from '../server/schemas.ts';
import { requireServiceKey } from '../server/service-keys.ts';
import { createRevocationStream, type RevocationStream } from './revocation-stream.ts';

export interface RevocationsOptions {
  readonly serviceKeys: readonly ServiceKey[];
  readonly followRevocations: FollowRevocations;
}

const PATH = '/revocations';

/**
 * `GET /revocations`: tells resource servers at once which sessions have ended. Must be registered in a scope of its
 * own.
 */
export function revocationsRoute(scope: App, { serviceKeys, followRevocations }: RevocationsOptions): void {
  requireServiceKey(scope, serviceKeys, 'verify');
  const open = new Set<RevocationStream>();
  let isStopping = false;
  scope.addHook('preClose', async () => {
    isStopping = true;
    for (const stream of open) stream.close();
  });

  scope.get(
    PATH,
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'followRevocations',
        tags: ['operations'],
        summary: 'Follow the sessions that end',
        description:
          'Server-sent events. Each event has `{sid, revokedAt}`. The stream begins with the sessions that ended ' +
          'within the longest life of an access token. Then it says `event: ready`, and sends each session as it ends. ' +
          'A comment comes every 15 seconds. An event may come twice. The stream cannot be resumed: connect again.',
        security: [{ serviceKey: [] }],
        response: {
          200: textAnswer('the events, without an end', 'text/event-stream'),
          ...problemResponses(401, 403, 503),
        },
      },
    },
    async (_request, reply) => {
      let opened: RevocationStream | null = null;
      let isIncomplete = false;
      const following = await followRevocations({
        // Before the stream is open, the iterator of ended sessions still yields this session.
        onEnded: (session) => opened?.send(session),
        onIncomplete() {
          isIncomplete = true;
          opened?.close();
        },
      });
      const stream = createRevocationStream({
        ...following,
        onClose() {
          following.stop();
          open.delete(stream);
        },
      });
      opened = stream;
      open.add(stream);
      if (isStopping || isIncomplete) stream.close();
      return setStreamHeaders(reply).send(stream.body);
    },
  );
  // A generated HEAD route would open a stream.
  scope.head(PATH, { schema: { hide: true } }, async (_request, reply) => setStreamHeaders(reply).send(null));
}

/** `X-Accel-Buffering` makes nginx pass each event at once. */
export function setStreamHeaders(reply: FastifyReply): FastifyReply {
  return reply.type('text/event-stream').headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
}

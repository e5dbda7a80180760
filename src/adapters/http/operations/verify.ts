import type { FastifyRequest } from 'fastify';
import type { App } from '../server/app.ts';
import { principalOf } from '../server/authenticate.ts';
import { emptyAnswer, problemResponses, Uuid } from '../server/schemas.ts';
import { encodeUserId, UserId } from '../server/user-ids.ts';

const PATH = '/auth/verify';

/**
 * `GET /auth/verify`: authenticates a request for a reverse proxy (nginx `auth_request`, Traefik forwardAuth). Must be
 * registered in a scope that requires an access token. Answers must not be cached: the session may end at any moment.
 */
export function verifyRoute(app: App): void {
  app.get(
    PATH,
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'verify',
        tags: ['operations'],
        summary: 'Check an access token for a reverse proxy',
        description: 'The proxy must pass on the headers of the request that it checks.',
        security: [{ bearer: [] }, { accessCookie: [] }],
        response: {
          204: emptyAnswer('the token is valid', { 'X-User-Id': UserId, 'X-Session-Id': Uuid }),
          ...problemResponses(401, 403, 503),
        },
      },
    },
    async (request, reply) => reply.code(204).headers(principalHeaders(request)).send(null),
  );
  // A generated HEAD route would add a content-length, which a 204 must not have (RFC 9110 section 8.6).
  app.head(PATH, { schema: { hide: true } }, async (request, reply) =>
    reply.code(204).headers(principalHeaders(request)).send(null),
  );
}

function principalHeaders(request: FastifyRequest): Record<string, string> {
  const { userId, sessionId } = principalOf(request);
  return { 'x-user-id': encodeUserId(userId), 'x-session-id': sessionId };
}

import type { App } from '../server/app.ts';
import { principalOf } from '../server/authenticate.ts';
import { Empty, problems } from '../server/schemas.ts';

/**
 * `GET /auth/verify`: what a reverse proxy asks before it lets a request through (nginx `auth_request`, Traefik
 * forwardAuth, Envoy ext_authz). To be called in a scope that needs a bearer.
 */
export function verifyRoute(app: App): void {
  app.get(
    '/auth/verify',
    {
      schema: {
        tags: ['operations'],
        summary: 'For reverse proxies: is this access token good?',
        security: [{ bearer: [] }],
        response: { 204: Empty, ...problems(401, 503) },
      },
    },
    async (request, reply) => {
      const { userId, sessionId } = principalOf(request);
      return reply.code(204).headers({ 'x-user-id': userId, 'x-session-id': sessionId }).send(null);
    },
  );
}

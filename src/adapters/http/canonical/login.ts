import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import type { logInById } from '../../../app/sessions/log-in-by-id.ts';
import { isMailbox } from '../../../domain/mailbox.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from '../server/app.ts';
import { clientOf } from '../server/client.ts';
import { answer, problems, TokenPairAnswer, Uuid } from '../server/schemas.ts';

export interface LoginOptions {
  readonly logInById: ReturnType<typeof logInById>;
  /** Lets trusted backends alone in; answers the session's `client_id`. */
  readonly guard: (request: FastifyRequest) => string;
}

const Query = Type.Object({
  userId: Uuid,
  email: Type.Optional(Type.String({ description: 'where to write about this session' })),
  binding: Type.Optional(
    Type.Union([Type.Literal('pair'), Type.Literal('refresh')], {
      default: 'pair',
      description: 'whether a refresh takes both tokens or the refresh token alone',
    }),
  ),
});

/** `POST /auth/login?userId=`: a trusted backend logs in a user that it has authenticated itself. */
export function loginRoute(app: App, { logInById, guard }: LoginOptions): void {
  app.post(
    '/auth/login',
    {
      schema: {
        tags: ['sessions'],
        summary: 'Log in by user id',
        description: 'For trusted backends, with a service key in `x-api-key`.',
        security: [{ serviceKey: [] }],
        querystring: Query,
        response: {
          200: answer('the first pair of a new session', Type.Ref(TokenPairAnswer)),
          ...problems(400, 401, 403, 503),
        },
      },
    },
    async (request, reply) => {
      const clientId = guard(request);
      const { userId, email, binding } = request.query;
      if (email !== undefined && !isMailbox(email)) {
        throw new Refusal('invalid_request', 'querystring/email must be one mailbox.');
      }
      reply.header('cache-control', 'no-store');
      return logInById({
        userId: userId.toLowerCase(),
        paired: binding !== 'refresh',
        door: 'canonical',
        clientId,
        contact: email ?? null,
        client: clientOf(request),
      });
    },
  );
}

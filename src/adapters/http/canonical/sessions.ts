import { type Static, Type } from '@sinclair/typebox';
import type { Authenticate } from '../../../app/sessions/authenticate.ts';
import type { EndSession } from '../../../app/sessions/end-session.ts';
import type { ListSessions } from '../../../app/sessions/list-sessions.ts';
import type { LogOut, LogOutByRefreshToken } from '../../../app/sessions/log-out.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { ServiceKey } from '../../../domain/service-key.ts';
import type { App } from '../server/app.ts';
import { principalFromRequest, principalOf } from '../server/authenticate.ts';
import { logoutEnding, userOrigin } from '../server/client-info.ts';
import { examples } from '../server/examples.ts';
import { longText, oneOf } from '../server/field-schemas.ts';
import {
  BODY_IS_OPTIONAL,
  Empty,
  idOf,
  jsonAnswer,
  PairHeaders,
  problemResponses,
} from '../server/schemas.ts';
import { createConfidentialClientFinder, holderOrigin } from '../server/service-keys.ts';
import { PageQuery, SessionList, toSessionItem } from './session-item.ts';

export interface SessionsOptions {
  readonly authenticate: Authenticate;
  readonly listSessions: ListSessions;
  readonly endSession: EndSession;
  readonly logOut: LogOut;
  readonly logOutByRefreshToken: LogOutByRefreshToken;
  readonly serviceKeys: readonly ServiceKey[];
}

const tags = ['sessions'];
const schema = { tags, security: [{ bearer: [] }] };

/** Session routes of the logged-in user. Must be registered in a scope that requires a bearer token. */
export function sessionRoutes(app: App, { listSessions, endSession }: SessionsOptions): void {
  app.get(
    '/auth/sessions',
    {
      schema: {
        ...schema,
        operationId: 'listSessions',
        summary: 'List the sessions of the user, newest first',
        querystring: PageQuery,
        response: { 200: jsonAnswer('a page of sessions', SessionList), ...problemResponses(400, 401, 503) },
      },
    },
    async (request): Promise<Static<typeof SessionList>> => {
      const { userId, sessionId } = principalOf(request);
      const { limit = 20, cursor } = request.query;
      const { items, ...more } = await listSessions(userId, limit, cursor ?? null);
      return {
        items: items.map((family) => ({
          ...toSessionItem(family),
          current: family.tokenFamily === sessionId,
        })),
        ...more,
      };
    },
  );

  app.delete(
    '/auth/sessions/:id',
    {
      schema: {
        ...schema,
        operationId: 'endSession',
        summary: 'End a session of the user',
        params: Type.Object({ id: idOf('session') }),
        response: { 204: Empty, ...problemResponses(400, 401, 404, 503) },
      },
    },
    async (request, reply) => {
      const { userId } = principalOf(request);
      if (!(await endSession(request.params.id.toLowerCase(), userId, logoutEnding(request))))
        throw new Refusal('not_found');
      return reply.code(204).send(null);
    },
  );
}

const LogOutBody = Type.Object(
  { refreshToken: Type.Optional(longText()) },
  { title: 'SessionToEnd', additionalProperties: false, examples: [{ refreshToken: examples.refresh }] },
);

/** `POST /auth/logout`: with an access token or a refresh token. */
export function logOutRoute(app: App, options: SessionsOptions): void {
  const { authenticate, logOut, logOutByRefreshToken, serviceKeys } = options;
  const findClient = createConfidentialClientFinder(serviceKeys);
  app.post(
    '/auth/logout',
    {
      config: { pairUse: 'ends' },
      schema: {
        operationId: 'logOut',
        tags,
        [BODY_IS_OPTIONAL]: true,
        summary: 'End this session, all other sessions, or all sessions',
        description:
          'With an access token, or with a refresh token in the body. A rotated or expired refresh token ends its own session only.',
        security: [{ bearer: [] }, {}, { serviceKey: [] }],
        querystring: Type.Object({
          scope: Type.Optional(oneOf(['session', 'others', 'all'], { default: 'session' })),
        }),
        headers: PairHeaders,
        body: LogOutBody,
        response: { 204: Empty, ...problemResponses(400, 401, 503) },
      },
    },
    async (request, reply) => {
      const { refreshToken } = request.body;
      const scope = request.query.scope ?? 'session';
      if (refreshToken === undefined) {
        await logOut(await principalFromRequest(request, authenticate), scope, userOrigin(request));
      } else {
        const client = findClient(request);
        const origin = holderOrigin(request, client);
        await logOutByRefreshToken(refreshToken, scope, client, request.presentedDpopProof, origin);
      }
      return reply.code(204).send(null);
    },
  );
}

import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OpenSession } from '../../../../app/sessions/open-session.ts';
import type { Refresh } from '../../../../app/sessions/refresh.ts';
import type { TokenPair } from '../../../../app/tokens/mint-pair.ts';
import { Refusal } from '../../../../domain/refusal.ts';
import type { ServiceKey } from '../../../../domain/service-key.ts';
import { canonicalUserId } from '../../../../domain/user-id.ts';
import type { App } from '../../server/app.ts';
import type { AuthorizeLogin } from '../../server/authorize-login.ts';
import { callerOf } from '../../server/caller.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { onlyCookie, SESSION_ID_REFRESH_COOKIE, tokenCookie } from '../../server/cookies.ts';
import { examples } from '../../server/examples.ts';
import { closed, longText } from '../../server/field-schemas.ts';
import { isFromForeignPage, refuseForeignPage } from '../../server/own-origin.ts';
import { jsonAnswer, problemResponses, RefreshHeaders, Uuid } from '../../server/schemas.ts';
import { createConfidentialClientFinder } from '../../server/service-keys.ts';
import { UserId } from '../../server/user-ids.ts';

export interface SessionIdTokenOptions {
  readonly openSession: OpenSession;
  readonly refresh: Refresh;
  readonly authorizeLogin: AuthorizeLogin;
  readonly serviceKeys: readonly ServiceKey[];
  readonly publicUrl: string | null;
}

const tags = ['session-id'];
const tokensExample = { access_token: examples.access, refresh_token: 'ZXlKaGJHY2lPaUpJVXpVeE1pSXNJ…' };
const Tokens = Type.Object(
  {
    access_token: longText({ description: 'its payload holds `session_id` and `guid`' }),
    refresh_token: longText({ description: 'base64; valid for one refresh' }),
  },
  { ...closed, title: 'SessionIdTokens', examples: [tokensExample] },
);
const LoginBody = Type.Object(
  { guid: UserId },
  { ...closed, title: 'SessionIdOpening', examples: [{ guid: examples.user }] },
);
const RefreshBody = Type.Object(
  {
    session_id: Uuid,
    refresh_token: Type.Optional(longText({ description: 'base64, as in the answer that contained it' })),
  },
  {
    ...closed,
    title: 'SessionIdRefresh',
    examples: [{ session_id: examples.session, refresh_token: tokensExample.refresh_token }],
  },
);
/** Both answers also set the cookie, unless a page of another origin sent the request. */
const cookieHeader = {
  'Set-Cookie': longText({ description: `\`${SESSION_ID_REFRESH_COOKIE}\`, for /api/v1/auth` }),
};

/** Must be registered in a scope that parses cookies. */
export function tokenRoutes(app: App, options: SessionIdTokenOptions): void {
  loginRoute(app, options);
  refreshRoute(app, options);
}

function loginRoute(app: App, { openSession, authorizeLogin, publicUrl }: SessionIdTokenOptions): void {
  app.post(
    '/api/v1/auth/login',
    {
      schema: {
        operationId: 'sessionIdLogIn',
        tags,
        summary: 'Open a session for a user',
        description: `For trusted backends. The refresh token is set as cookie \`${SESSION_ID_REFRESH_COOKIE}\` too.`,
        security: [{}, { serviceKey: [] }],
        body: LoginBody,
        response: {
          200: jsonAnswer('the first tokens', Tokens, cookieHeader),
          ...problemResponses(400, 401, 403, 503),
        },
      },
    },
    async (request, reply) => {
      refuseForeignPage(request, publicUrl);
      const pair = await openSession({
        userId: canonicalUserId(request.body.guid),
        paired: false,
        door: 'session-id',
        ...authorizeLogin(request),
        contact: null,
        client: clientInfoOf(request),
      });
      return sendTokens(request, reply, pair, publicUrl);
    },
  );
}

function refreshRoute(app: App, { refresh, serviceKeys, publicUrl }: SessionIdTokenOptions): void {
  const findClient = createConfidentialClientFinder(serviceKeys);
  app.post(
    '/api/v1/auth/refresh',
    {
      schema: {
        operationId: 'sessionIdRefresh',
        tags,
        summary: 'Exchange the refresh token of a session for the next tokens',
        description: `Requires the refresh token of the session, in the cookie \`${SESSION_ID_REFRESH_COOKIE}\` or in the body.`,
        headers: RefreshHeaders,
        security: [{ sessionCookie: [] }, {}, { serviceKey: [] }],
        body: RefreshBody,
        response: {
          200: jsonAnswer('the next tokens', Tokens, cookieHeader),
          ...problemResponses(400, 401, 403, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const { session_id, refresh_token } = request.body;
      const pair = await refresh({
        refreshToken: decodeBase64(refresh_token ?? readCookieToken(request, publicUrl)),
        accessToken: null,
        sessionId: session_id.toLowerCase(),
        ...callerOf(request, findClient(request)),
      });
      return sendTokens(request, reply, pair, publicUrl);
    },
  );
}

function readCookieToken(request: FastifyRequest, publicUrl: string | null): string {
  const token = onlyCookie(request, SESSION_ID_REFRESH_COOKIE);
  if (token === undefined)
    throw new Refusal(
      'unauthenticated',
      `A refresh token is needed, in the cookie ${SESSION_ID_REFRESH_COOKIE} or as refresh_token in the body.`,
    );
  refuseForeignPage(request, publicUrl);
  return token;
}

/** A page of another origin may refresh a token that it holds. It must not replace the cookie of this origin. */
function sendTokens(
  request: FastifyRequest,
  reply: FastifyReply,
  { access, refresh }: TokenPair,
  publicUrl: string | null,
) {
  const refresh_token = Buffer.from(refresh).toString('base64');
  if (!isFromForeignPage(request, publicUrl))
    reply.setCookie(SESSION_ID_REFRESH_COOKIE, refresh_token, tokenCookie('/api/v1/auth', publicUrl));
  return { access_token: access, refresh_token };
}

/**
 * Accepts only the encoding that this service writes. Decoders accept other encodings of the same bytes, but each token
 * must have exactly one encoding.
 */
function decodeBase64(text: string): string {
  const token = Buffer.from(text, 'base64');
  if (token.toString('base64') !== text) throw new Refusal('malformed_token');
  return token.toString('latin1');
}

import { Type } from '@sinclair/typebox';
import type { FastifyReply } from 'fastify';
import type { OpenSession } from '../../../../app/sessions/open-session.ts';
import type { Refresh } from '../../../../app/sessions/refresh.ts';
import type { TokenPair } from '../../../../app/tokens/mint-pair.ts';
import type { ServiceKey } from '../../../../domain/service-key.ts';
import type { App } from '../../server/app.ts';
import type { AuthorizeLogin } from '../../server/authorize-login.ts';
import { callerOf } from '../../server/caller.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { onlyCookie, registerCookieParser, tokenCookie } from '../../server/cookies.ts';
import { longText } from '../../server/field-schemas.ts';
import { refuseForeignPage } from '../../server/own-origin.ts';
import { emptyAnswer, RefreshHeaders, Uuid } from '../../server/schemas.ts';
import { createConfidentialClientFinder } from '../../server/service-keys.ts';
import { refusalResponses, sendMissing, sendPlain } from './plain-errors.ts';

export interface CookiePairOptions {
  readonly openSession: OpenSession;
  readonly refresh: Refresh;
  readonly authorizeLogin: AuthorizeLogin;
  readonly serviceKeys: readonly ServiceKey[];
  readonly publicUrl: string | null;
}

const MISSING = { access_token: 'Access token is missing', refresh_token: 'Refresh token is missing' };
const SetCookie = longText({
  description: 'the cookie `access_token`; a second header sets `refresh_token`',
});
const schema = {
  tags: ['cookie-pair'],
  response: { 200: emptyAnswer('the tokens in cookies', { 'Set-Cookie': SetCookie }), ...refusalResponses },
};

/**
 * Both tokens in cookies, and refusals in plain text. These GET routes change state, so cross-origin requests are
 * refused.
 */
export async function cookiePairDoor(app: App, options: CookiePairOptions): Promise<void> {
  await registerCookieParser(app);
  app.setErrorHandler(sendPlain);
  app.addHook('onRequest', async (request) => refuseForeignPage(request, options.publicUrl));
  loginRoute(app, options);
  refreshRoute(app, options);
}

/** Other routes also have a path of one segment, so the pattern matches only a UUID. */
function loginRoute(app: App, { openSession, authorizeLogin, publicUrl }: CookiePairOptions): void {
  app.get(
    `/:guid(${Uuid.pattern})`,
    {
      exposeHeadRoute: false, // a HEAD must not open a session
      schema: {
        ...schema,
        operationId: 'cookiePairLogIn',
        summary: 'Open a session for a user',
        description:
          'For trusted backends. The tokens are in the cookies `access_token` and `refresh_token`.',
        security: [{}, { serviceKey: [] }],
        params: Type.Object({ guid: Uuid }),
      },
    },
    async (request, reply) => {
      const pair = await openSession({
        userId: request.params.guid.toLowerCase(),
        paired: true,
        door: 'cookie-pair',
        ...authorizeLogin(request),
        contact: null,
        client: clientInfoOf(request),
        onAddressChange: 'block',
      });
      return sendPair(reply, pair, publicUrl);
    },
  );
}

function refreshRoute(app: App, { refresh, serviceKeys, publicUrl }: CookiePairOptions): void {
  const findClient = createConfidentialClientFinder(serviceKeys);
  app.get(
    '/refresh',
    {
      exposeHeadRoute: false, // a HEAD must not rotate
      schema: {
        ...schema,
        operationId: 'cookiePairRefresh',
        summary: 'Exchange the tokens in the cookies for the next ones',
        description:
          'Requires the cookies `access_token` and `refresh_token`. A pair is valid for one refresh.',
        security: [
          { accessCookie: [], refreshCookie: [] },
          { accessCookie: [], refreshCookie: [], serviceKey: [] },
        ],
        headers: RefreshHeaders,
      },
      preHandler: async (request, reply) => {
        for (const [name, words] of Object.entries(MISSING)) {
          if (!onlyCookie(request, name)) return sendMissing(reply, words);
        }
      },
    },
    async (request, reply) => {
      const { access_token = '', refresh_token = '' } = request.cookies;
      const pair = await refresh({
        accessToken: access_token,
        refreshToken: refresh_token,
        ...callerOf(request, findClient(request)),
      });
      return sendPair(reply, pair, publicUrl);
    },
  );
}

function sendPair(
  reply: FastifyReply,
  { access, refresh }: TokenPair,
  publicUrl: string | null,
): FastifyReply {
  const options = tokenCookie('/', publicUrl);
  return reply
    .setCookie('access_token', access, options)
    .setCookie('refresh_token', refresh, options)
    .send(undefined);
}

import { type Static, Type } from '@sinclair/typebox';
import type { Refresh } from '../../../app/sessions/refresh.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from '../server/app.ts';
import { callerOf } from '../server/caller.ts';
import { examples } from '../server/examples.ts';
import { count, longText, oneOf } from '../server/field-schemas.ts';
import { jsonAnswer, RefreshHeaders } from '../server/schemas.ts';
import type { OAuthClientAuthenticator } from './client-authentication.ts';
import { errorResponses, OAuthRefusal } from './errors.ts';
import { ClientId, formEndpoint } from './forms.ts';

export interface TokenOptions {
  readonly refresh: Refresh;
}

const Form = Type.Object(
  {
    grant_type: longText({ description: '`refresh_token`' }),
    refresh_token: Type.Optional(longText({ description: 'the refresh token of an unpaired session' })),
    client_id: ClientId,
    scope: Type.Optional(longText({ description: 'not supported: leave it out' })),
  },
  { title: 'Grant', examples: [{ grant_type: 'refresh_token', refresh_token: examples.refresh }] },
);

const Tokens = Type.Object(
  {
    access_token: longText(),
    token_type: oneOf(['Bearer', 'DPoP'], { description: '`DPoP` in a session that is bound to a key' }),
    expires_in: count({ description: 'seconds until the access token expires' }),
    refresh_token: longText({ description: 'valid for one refresh' }),
  },
  {
    title: 'OAuthTokens',
    additionalProperties: false,
    examples: [
      {
        access_token: examples.access,
        token_type: 'Bearer',
        expires_in: 900,
        refresh_token: examples.refresh,
      },
    ],
  },
);

/** `POST /oauth/token`: the refresh of an unpaired session (RFC 6749 section 6). */
export function tokenRoute(
  scope: App,
  { refresh: exchange }: TokenOptions,
  clients: OAuthClientAuthenticator,
): void {
  scope.post(
    '/oauth/token',
    {
      schema: {
        ...formEndpoint,
        operationId: 'exchangeToken',
        summary: 'Exchange a refresh token for the next tokens',
        description:
          'For sessions that were opened with `binding=refresh`. A refresh token is valid for one refresh. If it is ' +
          'presented again later, its session ends. A confidential session requires the authentication of its client.',
        security: [{}, { serviceKeyAsClient: [] }],
        headers: RefreshHeaders,
        body: Form,
        response: {
          200: jsonAnswer('the next tokens; for a retry, the same tokens again', Tokens),
          ...errorResponses(400, 401),
        },
      },
    },
    async (request, reply): Promise<Static<typeof Tokens>> => {
      const input = {
        refreshToken: readGrant(request.body),
        accessToken: null,
        ...callerOf(request, clients.identify(request)),
      };
      const { access, refresh, expiresIn, tokenType = 'Bearer' } = await exchange(input);
      reply.header('pragma', 'no-cache');
      return { access_token: access, token_type: tokenType, expires_in: expiresIn, refresh_token: refresh };
    },
  );
}

function readGrant({ grant_type, refresh_token, scope }: Static<typeof Form>): string {
  if (grant_type !== 'refresh_token')
    throw new OAuthRefusal('unsupported_grant_type', 'The only supported grant type is refresh_token.');
  if (scope !== undefined)
    throw new OAuthRefusal('invalid_scope', 'Scopes are not supported: leave scope out.');
  if (refresh_token === undefined) throw new Refusal('invalid_request', 'refresh_token is missing.');
  return refresh_token;
}

import { type Static, Type } from '@sinclair/typebox';
import type { ActiveToken, Introspect } from '../../../app/sessions/introspect.ts';
import type { App } from '../server/app.ts';
import { Acr, Amr, AuthTime } from '../server/authentication-schemas.ts';
import { examples } from '../server/examples.ts';
import { count, longText, oneOf } from '../server/field-schemas.ts';
import { jsonAnswer } from '../server/schemas.ts';
import type { OAuthClientAuthenticator } from './client-authentication.ts';
import { errorResponses } from './errors.ts';
import { formEndpoint, TokenForm } from './forms.ts';

export interface IntrospectOptions {
  readonly introspect: Introspect;
}

const NumericDate = Type.Optional(count({ description: 'seconds since the epoch' }));

const example = {
  active: true,
  token_type: 'Bearer',
  sub: examples.user,
  sid: examples.session,
  client_id: 'kinship',
  iss: 'https://auth.example.com',
  aud: 'kinship',
  iat: 1767323045,
  exp: 1767323945,
  jti: '3012e531-4d1c-481b-818b-ab19596b046f',
  ...examples.authentication,
};

const Introspection = Type.Object(
  {
    active: Type.Boolean(),
    token_type: Type.Optional(oneOf(['Bearer', 'DPoP'], { description: 'access tokens only' })),
    sub: Type.Optional(longText()),
    sid: Type.Optional(longText({ description: 'the session' })),
    client_id: Type.Optional(longText()),
    username: Type.Optional(
      longText({ description: 'the name of the account; an address only if it is verified' }),
    ),
    email_verified: Type.Optional(
      Type.Boolean({
        description:
          'whether the address of the account is verified: by the user, or because an operator vouched for it',
      }),
    ),
    iss: Type.Optional(longText()),
    aud: Type.Optional(longText({ description: 'the audience; for a refresh token, this service' })),
    iat: NumericDate,
    exp: NumericDate,
    jti: Type.Optional(longText({ description: 'access tokens only' })),
    cnf: Type.Optional(
      Type.Object(
        { jkt: longText({ description: 'thumbprint (RFC 7638) of the key to which the token is bound' }) },
        { additionalProperties: false },
      ),
    ),
    auth_time: Type.Optional(AuthTime),
    amr: Type.Optional(Amr),
    acr: Type.Optional(Acr),
  },
  {
    title: 'Introspection',
    // The claims of the user and the session. No such claim has the name of a member above.
    additionalProperties: true,
    examples: [{ ...example, plan: 'paid' }, { active: false }],
  },
);

/** `POST /oauth/introspect`: tells resource servers whether a token is valid at this moment (RFC 7662). */
export function introspectRoute(
  scope: App,
  { introspect }: IntrospectOptions,
  clients: OAuthClientAuthenticator,
): void {
  scope.post(
    '/oauth/introspect',
    {
      schema: {
        ...formEndpoint,
        operationId: 'introspectToken',
        summary: 'Check whether a token is valid at this moment',
        description:
          'Reads the database, so the answer reflects the end of a session immediately. The answer also has the claims that ' +
          'operators and trusted backends added to the token.',
        security: [{ serviceKeyAsClient: [] }, { serviceKey: [] }],
        body: TokenForm,
        response: {
          200: jsonAnswer('the state of the token', Introspection),
          ...errorResponses(400, 401, 403),
        },
      },
    },
    async (request): Promise<Static<typeof Introspection>> => {
      clients.requireKey(request, 'introspect');
      const token = await introspect(request.body.token);
      return token === null ? { active: false } : claimsOf(token);
    },
  );
}

function claimsOf(token: ActiveToken): Static<typeof Introspection> {
  return {
    ...token.claims,
    active: true,
    // A resource server accepts access tokens, so the answer must not let a refresh token pass for an access token.
    ...(token.type === 'access' && { token_type: token.confirmation === null ? 'Bearer' : 'DPoP' }),
    sub: token.userId,
    sid: token.sessionId,
    client_id: token.clientId,
    ...(token.username !== null && { username: token.username }),
    ...(token.emailVerified !== null && { email_verified: token.emailVerified }),
    iss: token.issuer,
    aud: token.audience,
    iat: token.issuedAt,
    exp: token.expiresAt,
    ...(token.jti !== null && { jti: token.jti }),
    ...(token.confirmation !== null && { cnf: token.confirmation }),
    ...token.authentication,
  };
}

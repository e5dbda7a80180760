import { Type } from '@sinclair/typebox';
import type { RevokeToken } from '../../../app/sessions/revoke-token.ts';
import type { App } from '../server/app.ts';
import { jsonAnswer } from '../server/schemas.ts';
import { holderOrigin } from '../server/service-keys.ts';
import type { OAuthClientAuthenticator } from './client-authentication.ts';
import { errorResponses } from './errors.ts';
import { formEndpoint, TokenForm } from './forms.ts';

export interface RevokeOptions {
  readonly revokeToken: RevokeToken;
}

const Nothing = Type.Object({}, { title: 'RevocationDone', examples: [{}] });

/** `POST /oauth/revoke`: ends the session of a token (RFC 7009). */
export function revokeRoute(
  scope: App,
  { revokeToken: revoke }: RevokeOptions,
  clients: OAuthClientAuthenticator,
): void {
  scope.post(
    '/oauth/revoke',
    {
      schema: {
        ...formEndpoint,
        operationId: 'revokeToken',
        summary: 'End the session of a token',
        description:
          'Accepts either token of a pair, also a refresh token that was already rotated. The answer to an invalid token is 200 too. ' +
          'A confidential session requires the authentication of its client.',
        security: [{}, { serviceKeyAsClient: [] }],
        body: TokenForm,
        response: {
          200: jsonAnswer('done; the body is an empty object', Nothing),
          ...errorResponses(400, 401),
        },
      },
    },
    async (request) => {
      const client = clients.identify(request);
      await revoke(request.body.token, client, holderOrigin(request, client));
      return {};
    },
  );
}

import { Type } from '@sinclair/typebox';
import type { StepUp } from '../../../app/sessions/step-up.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { ServiceKey } from '../../../domain/service-key.ts';
import type { App } from '../server/app.ts';
import { longText } from '../server/bounded.ts';
import { clientInfoOf } from '../server/client.ts';
import { examples } from '../server/examples.ts';
import { answer, problems, RefreshHeaders, Text, TokenPairAnswer } from '../server/schemas.ts';
import { createClientAuthenticator } from '../server/service-keys.ts';
import { TotpCode } from './factors.ts';

export interface StepUpOptions {
  readonly stepUp: StepUp;
  readonly serviceKeys: readonly ServiceKey[];
}

const Body = Type.Object(
  {
    refreshToken: Type.Optional(longText()),
    accessToken: Type.Optional(
      longText({ description: 'the access token of the same pair; may have expired' }),
    ),
    password: Type.Optional(Text),
    code: Type.Optional(TotpCode),
    recoveryCode: Type.Optional(Type.String({ ...Text, maxLength: 64 })),
  },
  {
    title: 'StepUp',
    additionalProperties: false,
    examples: [{ refreshToken: examples.refresh, accessToken: examples.access, password: examples.password }],
  },
);

/** `POST /auth/step-up`: a refresh with a proof of the user's identity (RFC 9470). */
export function stepUpRoute(app: App, { stepUp, serviceKeys }: StepUpOptions): void {
  const clientBy = createClientAuthenticator(serviceKeys);
  app.post(
    '/auth/step-up',
    {
      schema: {
        operationId: 'stepUp',
        tags: ['sessions'],
        summary: 'Authenticate again, and exchange the token pair for its successor',
        description:
          'A refresh with a proof: the password, or `code` or `recoveryCode` if the account has a second factor. The next pair says that the user was authenticated just now. ' +
          'A refused proof exchanges nothing, and the pair stays valid. A retry needs the `Idempotency-Key` of the ' +
          'first request, but no proof.',
        security: [{}, { serviceKey: [] }],
        headers: RefreshHeaders,
        body: Body,
        response: {
          200: answer('the next pair; for a retry, the same pair again', Type.Ref(TokenPairAnswer)),
          ...problems(400, 401, 404, 422, 429, 503),
        },
      },
    },
    async (request) => {
      const { refreshToken, accessToken, ...proof } = request.body;
      if (Object.keys(proof).length > 1)
        throw new Refusal('invalid_request', 'Send one of password, code and recoveryCode.');
      return stepUp({
        refreshToken: refreshToken ?? '',
        accessToken: accessToken ?? null,
        proof,
        idempotencyKey: request.headers['idempotency-key'] ?? null,
        client: clientInfoOf(request),
        oauthClient: clientBy(request),
        presented: request.presentedProof,
      });
    },
  );
}

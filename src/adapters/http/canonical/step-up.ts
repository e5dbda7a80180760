import { type Static, Type } from '@sinclair/typebox';
import type { BeginPasskeyLogin } from '../../../app/accounts/begin-passkey-login.ts';
import type { IdentityProof } from '../../../app/accounts/verify-identity-proof.ts';
import type { StepUp } from '../../../app/sessions/step-up.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { ServiceKey } from '../../../domain/service-key.ts';
import type { App } from '../server/app.ts';
import { callerOf } from '../server/caller.ts';
import { examples } from '../server/examples.ts';
import { longText } from '../server/field-schemas.ts';
import { ExchangeHeaders, jsonAnswer, PairAnswer, problemResponses, Text } from '../server/schemas.ts';
import { createConfidentialClientFinder } from '../server/service-keys.ts';
import { TotpCode } from './factors.ts';
import { Assertion, passkeyExamples, RequestedAssertion } from './passkey-schemas.ts';
import { SealedChallenge } from './passkeys.ts';

export interface StepUpOptions {
  readonly stepUp: StepUp;
  readonly beginStepUp: BeginPasskeyLogin;
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
    challenge: Type.Optional(SealedChallenge),
    assertion: Type.Optional(Assertion),
  },
  {
    title: 'StepUp',
    additionalProperties: false,
    examples: [{ refreshToken: examples.refresh, accessToken: examples.access, password: examples.password }],
  },
);

const BegunStepUp = Type.Object(
  { challenge: longText({ description: 'send it back with the step-up' }), publicKey: RequestedAssertion },
  {
    additionalProperties: false,
    title: 'BegunStepUp',
    examples: [{ challenge: passkeyExamples.challenge, publicKey: passkeyExamples.request }],
  },
);

/** `POST /auth/step-up`: a refresh with an identity proof (RFC 9470), and the options for a passkey. */
export function stepUpRoutes(app: App, options: StepUpOptions): void {
  optionsRoute(app, options);
  exchangeRoute(app, options);
}

function optionsRoute(app: App, { beginStepUp }: StepUpOptions): void {
  app.post(
    '/auth/step-up/options',
    {
      schema: {
        operationId: 'beginStepUp',
        tags: ['sessions'],
        summary: 'Begin a step-up by a passkey',
        description:
          'Send the `challenge` back to `/auth/step-up` within five minutes, with the `assertion` of the browser.',
        security: [],
        response: {
          200: jsonAnswer('the options with which the browser signs with the passkey', BegunStepUp),
          ...problemResponses(503),
        },
      },
    },
    async (_request, reply) => reply.send(await beginStepUp()),
  );
}

function exchangeRoute(app: App, { stepUp, serviceKeys }: StepUpOptions): void {
  const findClient = createConfidentialClientFinder(serviceKeys);
  app.post(
    '/auth/step-up',
    {
      config: { pairUse: 'exchanges' },
      schema: {
        operationId: 'stepUp',
        tags: ['sessions'],
        summary: 'Authenticate again, and exchange the token pair for its successor',
        description:
          'A refresh with a proof of identity. Without a second factor the proof is the password. With a second factor it ' +
          'is `code`, `recoveryCode` or `assertion`. Send an `assertion` with the `challenge` of `/auth/step-up/options`. ' +
          'The next pair says that the user was authenticated just now. If the proof is refused, the pair stays valid. ' +
          'A retry needs the `Idempotency-Key` of the first request, but no proof of identity.',
        security: [{}, { serviceKey: [] }],
        headers: ExchangeHeaders,
        body: Body,
        response: {
          200: jsonAnswer('the next pair; for a retry, the same pair again', PairAnswer),
          ...problemResponses(400, 401, 403, 404, 422, 429, 503),
        },
      },
    },
    async (request) => {
      const { refreshToken, accessToken, ...given } = request.body;
      const proof = readIdentityProof(given);
      return stepUp({
        refreshToken: refreshToken ?? '',
        accessToken: accessToken ?? null,
        proof,
        ...callerOf(request, findClient(request)),
      });
    },
  );
}

/**
 * Reads the identity proof in a body. Throws a {@link Refusal} if there are several proofs, or if `challenge` or
 * `assertion` comes without the other.
 */
function readIdentityProof({
  challenge,
  assertion,
  ...others
}: Omit<Static<typeof Body>, 'refreshToken' | 'accessToken'>): IdentityProof {
  const isHalf = (challenge === undefined) !== (assertion === undefined);
  const count = Object.keys(others).length + (assertion === undefined ? 0 : 1);
  if (isHalf || count > 1)
    throw new Refusal(
      'invalid_request',
      'Send one of password, code, recoveryCode, and challenge with assertion.',
    );
  if (challenge === undefined || assertion === undefined) return others;
  return { passkey: { challenge, assertion } };
}

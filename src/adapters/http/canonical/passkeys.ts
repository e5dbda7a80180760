import { Type } from '@sinclair/typebox';
import type { BeginPasskeyLogin } from '../../../app/accounts/begin-passkey-login.ts';
import type { LogInWithPasskey } from '../../../app/accounts/log-in-with-passkey.ts';
import type { AddPasskey } from '../../../app/factors/add-passkey.ts';
import type { BeginPasskey } from '../../../app/factors/begin-passkey.ts';
import { OWN_CLIENT_ID } from '../../../domain/service-key.ts';
import type { App } from '../server/app.ts';
import { principalOf } from '../server/authenticate.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { examples } from '../server/examples.ts';
import { closed, longText, oneOf } from '../server/field-schemas.ts';
import {
  BODY_IS_OPTIONAL,
  jsonAnswer,
  PairAnswer,
  PairHeaders,
  problemResponses,
  Uuid,
} from '../server/schemas.ts';
import { FACTOR_CHANGE_REQUIREMENT, FactorAuthorization, Label } from './factors.ts';
import {
  Assertion,
  Creation,
  NewCredential,
  passkeyExamples,
  RequestedAssertion,
} from './passkey-schemas.ts';

export interface PasskeysOptions {
  readonly beginPasskey: BeginPasskey;
  readonly addPasskey: AddPasskey;
  readonly beginPasskeyLogin: BeginPasskeyLogin;
  readonly logInWithPasskey: LogInWithPasskey;
}

const { challenge } = passkeyExamples;

/** The encrypted challenge that a client sends back. */
export const SealedChallenge = Type.String({
  maxLength: 2_048,
  description: '`challenge` of the previous answer',
});
const PasskeyCreationOptions = Type.Object(
  { challenge: longText({ description: 'what the next request sends back' }), publicKey: Creation },
  { ...closed, title: 'BegunPasskey', examples: [{ challenge, publicKey: passkeyExamples.creation }] },
);
const NewPasskey = Type.Object(
  { challenge: SealedChallenge, credential: NewCredential, label: Type.Optional(Label) },
  {
    ...closed,
    title: 'NewPasskey',
    examples: [{ challenge, credential: passkeyExamples.newCredential, label: 'Laptop' }],
  },
);
const Added = Type.Object(
  { id: Uuid },
  { ...closed, title: 'AddedFactor', examples: [{ id: examples.factor }] },
);

/** Routes that add passkeys. Must be registered in a scope that requires a bearer token. */
export function passkeyRoutes(app: App, { beginPasskey, addPasskey }: PasskeysOptions): void {
  const schema = { tags: ['second factors'], security: [{ bearer: [] }] };

  app.post(
    '/auth/factors/passkeys/options',
    {
      schema: {
        ...schema,
        operationId: 'beginPasskey',
        [BODY_IS_OPTIONAL]: true,
        summary: 'Begin to add a passkey',
        description: `${FACTOR_CHANGE_REQUIREMENT} The mail address of the account must be confirmed, unless \`EMAIL_VERIFICATION\` is off. \`publicKey\` is for the browser.`,
        body: FactorAuthorization,
        response: {
          200: jsonAnswer('the options for `navigator.credentials.create`', PasskeyCreationOptions),
          ...problemResponses(400, 401, 403, 404, 429, 503),
        },
      },
    },
    async (request, reply) => {
      const begun = await beginPasskey({
        ...principalOf(request),
        ...request.body,
        client: clientInfoOf(request),
      });
      return reply.send(begun);
    },
  );

  app.post(
    '/auth/factors/passkeys',
    {
      schema: {
        ...schema,
        operationId: 'addPasskey',
        summary: 'Add the passkey that the browser made',
        description: 'Within five minutes after the options.',
        body: NewPasskey,
        response: { 201: jsonAnswer('the factor', Added), ...problemResponses(400, 401, 409, 503) },
      },
    },
    async (request, reply) => {
      const { challenge, credential, label = 'Passkey' } = request.body;
      const { userId, sessionId } = principalOf(request);
      const client = clientInfoOf(request);
      const input = { userId, sessionId, challenge, credential, label, client };
      return reply.code(201).send(await addPasskey(input));
    },
  );
}

const PasskeyLoginOptions = Type.Object(
  { challenge: longText({ description: 'what the login sends back' }), publicKey: RequestedAssertion },
  { ...closed, title: 'BegunPasskeyLogin', examples: [{ challenge, publicKey: passkeyExamples.request }] },
);
const PasskeyLogin = Type.Object(
  {
    challenge: SealedChallenge,
    assertion: Assertion,
    binding: Type.Optional(oneOf(['pair', 'refresh'])),
    remember: Type.Optional(Type.Boolean({ description: '`false`: a session of `SESSION_SHORT_AGE`' })),
  },
  {
    ...closed,
    title: 'PasskeyLogin',
    examples: [{ challenge, assertion: passkeyExamples.assertion }],
  },
);

/** A login without name and password. */
export function passkeyLoginRoutes(app: App, { beginPasskeyLogin, logInWithPasskey }: PasskeysOptions): void {
  const schema = { tags: ['sessions'], security: [] };

  app.post(
    '/auth/login/passkey/options',
    {
      schema: {
        ...schema,
        operationId: 'beginPasskeyLogin',
        summary: 'Begin a login by a passkey',
        description: 'Needs no name: the browser offers the passkeys that it has for this service.',
        response: {
          200: jsonAnswer('the options for `navigator.credentials.get`', PasskeyLoginOptions),
          ...problemResponses(503),
        },
      },
    },
    async (_request, reply) => reply.send(await beginPasskeyLogin()),
  );

  app.post(
    '/auth/login/passkey',
    {
      config: { pairUse: 'issues' },
      schema: {
        ...schema,
        operationId: 'logInWithPasskey',
        summary: 'Log in by a passkey that verifies its user',
        description: 'A login with a DPoP proof binds the session to the key of the proof.',
        headers: PairHeaders,
        body: PasskeyLogin,
        response: {
          200: jsonAnswer('the first pair of a new session', PairAnswer),
          ...problemResponses(400, 401, 403, 429, 503),
        },
      },
    },
    async (request) => {
      const { challenge, assertion, binding, remember = true } = request.body;
      return logInWithPasskey({
        challenge,
        assertion,
        remember,
        paired: binding !== 'refresh',
        door: 'canonical',
        clientId: OWN_CLIENT_ID,
        client: clientInfoOf(request),
        presented: request.presentedDpopProof,
      });
    },
  );
}

import { type Static, Type } from '@sinclair/typebox';
import type { LogInWithPassword } from '../../../app/accounts/log-in-with-password.ts';
import type { LogInWithSecondFactor } from '../../../app/accounts/log-in-with-second-factor.ts';
import { readMailAddress } from '../../../app/accounts/read-mail-address.ts';
import type { FactorProof } from '../../../app/factors/verify-factor-proof.ts';
import type { OpenSession } from '../../../app/sessions/open-session.ts';
import { LEVELS, METHODS, type Method } from '../../../domain/authentication.ts';
import type { Claims } from '../../../domain/claims.ts';
import { Refusal } from '../../../domain/refusal.ts';
import { OWN_CLIENT_ID } from '../../../domain/service-key.ts';
import { canonicalUserId } from '../../../domain/user-id.ts';
import type { App } from '../server/app.ts';
import type { AuthorizeLogin } from '../server/authorize-login.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { NAMED_EXAMPLES } from '../server/compilers.ts';
import { examples } from '../server/examples.ts';
import { count, longText, oneOf } from '../server/field-schemas.ts';
import {
  BODY_IS_OPTIONAL,
  jsonAnswer,
  PairAnswer,
  PairHeaders,
  problemResponses,
  Text,
} from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';
import { ClaimsObject, DeviceName } from './claims-schemas.ts';
import { TotpCode } from './factors.ts';
import { Assertion } from './passkey-schemas.ts';
import { SealedChallenge } from './passkeys.ts';

export interface LoginOptions {
  readonly logInWithSecondFactor: LogInWithSecondFactor;
  readonly openSession: OpenSession;
  readonly logInWithPassword: LogInWithPassword;
  readonly authorizeLogin: AuthorizeLogin;
}

const Query = Type.Object({
  userId: Type.Optional({
    ...UserId,
    // An example here and the example of the body with the same name form one request. A login by password sends no
    // `userId`.
    [NAMED_EXAMPLES]: { 'by password': { summary: 'not sent' }, 'by user id': { value: examples.user } },
  }),
  email: Type.Optional(
    longText({
      description: 'with `userId`: the address for mails about this session if the user has no account here',
    }),
  ),
  binding: Type.Optional(
    oneOf(['pair', 'refresh'], {
      default: 'pair',
      description: 'whether a refresh requires both tokens, or the refresh token alone',
    }),
  ),
  maxAge: Type.Optional(
    count({
      minimum: 1,
      description: 'with `userId`: seconds until the session ends, at most `SESSION_MAX_AGE`',
    }),
  ),
  authTime: Type.Optional(
    count({
      description: 'with `userId`: when the user was authenticated, in seconds since the epoch. Default: now',
    }),
  ),
  amr: Type.Optional(
    Type.String({
      pattern: `^(?:${METHODS.join('|')})(?: (?:${METHODS.join('|')})){0,${METHODS.length - 1}}$`,
      maxLength: 100,
      description: 'with `userId`: how the user was authenticated, space-separated values of RFC 8176',
    }),
  ),
  dpopJkt: Type.Optional(
    Type.String({
      pattern: '^[\\w-]{43}$',
      maxLength: 43,
      description:
        'with `userId`: thumbprint (RFC 7638) of the key of the client, to which the session is bound',
    }),
  ),
  acr: Type.Optional(
    oneOf(LEVELS, { description: 'with `userId`: `aal1` for one factor, `aal2` for several' }),
  ),
  device: Type.Optional(
    Type.String({ ...DeviceName, description: 'with `userId`: the name of the device, 1 to 64 characters' }),
  ),
});
/** The query parameters that are accepted only with `userId`. */
const BACKEND_PARAMETERS = ['email', 'maxAge', 'authTime', 'amr', 'acr', 'dpopJkt', 'device'] as const;
const Body = Type.Object(
  {
    username: Type.Optional(Text),
    password: Type.Optional(Text),
    remember: Type.Optional(
      Type.Boolean({
        description:
          '`false`: the session ends after `SESSION_SHORT_AGE`, for a device that others use. Default: true',
      }),
    ),
    claims: Type.Optional(
      Type.Unsafe<Claims>({
        ...ClaimsObject,
        description:
          'with `userId`: what the access tokens of the session carry, at most 512 bytes of JSON, three levels deep',
      }),
    ),
  },
  {
    title: 'Credentials',
    additionalProperties: false,
    [NAMED_EXAMPLES]: {
      'by password': { value: { username: examples.account.username, password: examples.password } },
      'by user id': { value: { claims: { plan: 'trial' } } },
    },
  },
);

/** `POST /auth/login`: with name and password, or by user id for a trusted backend. */
export function loginRoute(app: App, { openSession, logInWithPassword, authorizeLogin }: LoginOptions): void {
  app.post(
    '/auth/login',
    {
      config: { pairUse: 'issues' },
      schema: {
        operationId: 'logIn',
        tags: ['sessions'],
        [BODY_IS_OPTIONAL]: true,
        summary: 'Log in',
        description:
          'With `username` (or address) and `password` in the body. Trusted backends with a service key in `x-api-key` ' +
          'log a user in by `userId` in the query. An account with a second factor gets 401 `second_factor_required` with ' +
          'a `challenge` for the second step. A login with a DPoP proof binds the session to the key of the proof.',
        security: [{}, { serviceKey: [] }],
        querystring: Query,
        headers: PairHeaders,
        body: Body,
        response: {
          200: jsonAnswer('the first pair of a new session', PairAnswer),
          ...problemResponses(400, 401, 403, 429, 503),
        },
      },
    },
    async (request) => {
      const { userId, binding, ...stated } = request.query;
      const session = {
        paired: binding !== 'refresh',
        door: 'canonical',
        clientId: OWN_CLIENT_ID,
        client: clientInfoOf(request),
        presented: request.presentedDpopProof,
      } as const;
      if (userId === undefined) {
        refuseBackendParameters(stated, request.body);
        return logInWithPassword({ ...session, ...credentialsOf(request.body) });
      }
      const backend = authorizeLogin(request);
      const { claims, ...credentials } = request.body;
      if (Object.keys(credentials).length > 0) {
        throw new Refusal('invalid_request', 'Together with userId, the body may hold claims only.');
      }
      return openSession({
        ...session,
        userId: canonicalUserId(userId),
        ...backend,
        ...(claims !== undefined && { claims }),
        ...sessionOptions(stated),
      });
    },
  );
}

function refuseBackendParameters(query: Static<typeof Query>, { claims }: Static<typeof Body>): void {
  const name = BACKEND_PARAMETERS.find((parameter) => query[parameter] !== undefined);
  if (name !== undefined)
    throw new Refusal('invalid_request', `The parameter ${name} is accepted only together with userId.`);
  if (claims !== undefined)
    throw new Refusal('invalid_request', 'Claims are accepted only together with userId.');
}

/** What a trusted backend states about the session and the authentication of its user. */
function sessionOptions({ email, maxAge, authTime, amr, acr, dpopJkt, device }: Static<typeof Query>) {
  return {
    contact: email === undefined ? null : readMailAddress(email, 'The parameter email'),
    ...(device !== undefined && { deviceName: device }),
    ...(maxAge !== undefined && { maxAge: maxAge * 1000 }),
    dpopJkt,
    authentication: {
      ...(authTime !== undefined && { authTime: authTime * 1000 }),
      ...(amr !== undefined && { amr: [...new Set(amr.split(' '))] as Method[] }), // the schema allows no other value
      ...(acr !== undefined && { acr }),
    },
  };
}

function credentialsOf({ username, password, remember }: Static<typeof Body>) {
  if (username === undefined || password === undefined) {
    throw new Refusal(
      'invalid_request',
      'Send either userId in the query, or username and password in the body.',
    );
  }
  return { username, password, remember };
}

const SecondStep = Type.Object(
  {
    challenge: SealedChallenge,
    code: Type.Optional(TotpCode),
    recoveryCode: Type.Optional(Type.String({ ...Text, maxLength: 64 })),
    assertion: Type.Optional(Assertion),
  },
  {
    title: 'SecondStep',
    additionalProperties: false,
    examples: [{ challenge: examples.challenge, code: '287082' }],
  },
);

/** `POST /auth/login/second-factor`: the second step of a login with name and password. */
export function secondStepRoute(app: App, { logInWithSecondFactor }: LoginOptions): void {
  app.post(
    '/auth/login/second-factor',
    {
      config: { pairUse: 'issues' },
      schema: {
        operationId: 'logInWithSecondFactor',
        tags: ['sessions'],
        summary: 'Prove the second factor and log in',
        description:
          'Send `challenge` and one proof within five minutes. A challenge accepts five answers. A code is valid once. ' +
          'If the first step came with a DPoP proof, this step needs a proof of the same key.',
        security: [],
        headers: PairHeaders,
        body: SecondStep,
        response: {
          200: jsonAnswer('the first pair of a new session', PairAnswer),
          ...problemResponses(400, 401, 403, 429, 503),
        },
      },
    },
    async (request) => {
      const { challenge, ...proofs } = request.body;
      return logInWithSecondFactor({
        challenge,
        proof: readFactorProof(proofs),
        presented: request.presentedDpopProof,
        client: clientInfoOf(request),
      });
    },
  );
}

function readFactorProof({
  code,
  recoveryCode,
  assertion,
}: Omit<Static<typeof SecondStep>, 'challenge'>): FactorProof {
  const proofs: FactorProof[] = [];
  if (code !== undefined) proofs.push({ code });
  if (recoveryCode !== undefined) proofs.push({ recoveryCode });
  if (assertion !== undefined) proofs.push({ assertion });
  const [proof, ...more] = proofs;
  if (proof !== undefined && more.length === 0) return proof;
  throw new Refusal('invalid_request', 'Send one of code, recoveryCode and assertion.');
}

import { Type } from '@sinclair/typebox';
import type { logInWithPassword } from '../../../../app/accounts/log-in-with-password.ts';
import type { register } from '../../../../app/accounts/register.ts';
import type { logOut } from '../../../../app/sessions/log-out.ts';
import type { refresh } from '../../../../app/sessions/refresh.ts';
import type { App } from '../../server/app.ts';
import { type Authenticate, principalOf } from '../../server/authenticate.ts';
import { clientOf } from '../../server/client.ts';
import { answer, BODY_IS_OPTIONAL, Empty, IdempotencyKey, problems, Text } from '../../server/schemas.ts';
import { anyones, authorized } from './schemas.ts';

export interface AccountOptions {
  readonly register: ReturnType<typeof register>;
  readonly logInWithPassword: ReturnType<typeof logInWithPassword>;
  readonly refresh: ReturnType<typeof refresh>;
  readonly logOut: ReturnType<typeof logOut>;
  readonly authenticate: Authenticate;
}

const closed = { additionalProperties: false };
const Registration = Type.Object({ username: Text, password: Text, email: Text }, closed);
const Account = Type.Object({ username: Text, email: Text }, closed);
const Tokens = Type.Object({ access: Type.String(), refresh: Type.String() }, closed);

/** What anyone may ask for. */
export function accountRoutes(app: App, options: AccountOptions): void {
  const { register, logInWithPassword, refresh } = options;

  app.post(
    '/api/v1/register/',
    {
      schema: {
        ...anyones,
        summary: 'Make an account',
        body: Registration,
        response: { 201: answer('the account', Account), ...problems(400, 409, 429, 503) },
      },
    },
    async (request, reply) => {
      const account = await register({ ...request.body, client: clientOf(request) });
      return reply.code(201).send(account);
    },
  );

  app.post(
    '/api/v1/login/',
    {
      schema: {
        ...anyones,
        summary: 'Log in with name or address, and password',
        description: 'Opens a session that is refreshed with the refresh token alone.',
        body: Type.Object({ username: Text, password: Text }, closed),
        response: { 200: answer('the first tokens', Tokens), ...problems(400, 401, 429, 503) },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const client = clientOf(request);
      const session = { paired: false, door: 'task-api', clientId: 'kinship', client } as const;
      return logInWithPassword({ ...session, ...request.body });
    },
  );

  app.post(
    '/api/v1/refresh/',
    {
      schema: {
        ...anyones,
        summary: 'Exchange a refresh token for the next tokens',
        description: 'The old one is dead: if it comes back, its session ends.',
        headers: IdempotencyKey,
        body: Type.Object({ refresh: Type.String() }, closed),
        response: { 200: answer('the next tokens', Tokens), ...problems(400, 401, 422, 429, 503) },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return refresh({
        refreshToken: request.body.refresh,
        accessToken: null,
        idempotencyKey: request.headers['idempotency-key'] ?? null,
        client: clientOf(request),
      });
    },
  );
}

/** To be called in a scope that needs an access token. */
export function logOutRoute(app: App, { logOut }: AccountOptions): void {
  app.post(
    '/api/v1/logout/',
    {
      schema: {
        ...authorized,
        [BODY_IS_OPTIONAL]: true,
        summary: 'End all of one’s own sessions',
        body: Type.Object({}, closed),
        response: { 205: Empty, ...problems(400, 401, 429, 503) },
      },
      preValidation: async (request) => {
        request.body ??= {};
      },
    },
    async (request, reply) => {
      await logOut(principalOf(request), 'all');
      return reply.code(205).send(undefined);
    },
  );
}

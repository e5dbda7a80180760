import { Type } from '@sinclair/typebox';
import type { LogInWithPassword } from '../../../../app/accounts/log-in-with-password.ts';
import type { Register } from '../../../../app/accounts/register.ts';
import type { Authenticate } from '../../../../app/sessions/authenticate.ts';
import type { LogOut } from '../../../../app/sessions/log-out.ts';
import type { Refresh } from '../../../../app/sessions/refresh.ts';
import { OWN_CLIENT_ID, type ServiceKey } from '../../../../domain/service-key.ts';
import type { App } from '../../server/app.ts';
import { principalOf } from '../../server/authenticate.ts';
import { callerOf } from '../../server/caller.ts';
import { clientInfoOf, userOrigin } from '../../server/client-info.ts';
import { examples } from '../../server/examples.ts';
import { closed, longText } from '../../server/field-schemas.ts';
import {
  BODY_IS_OPTIONAL,
  emptyAnswer,
  jsonAnswer,
  problemResponses,
  RefreshHeaders,
  Text,
} from '../../server/schemas.ts';
import { createConfidentialClientFinder } from '../../server/service-keys.ts';
import { rateLimitHeaders } from './request-limit.ts';
import { authorized, unauthenticated } from './schemas.ts';

export interface TaskApiAccountOptions {
  readonly register: Register;
  readonly logInWithPassword: LogInWithPassword;
  readonly refresh: Refresh;
  readonly logOut: LogOut;
  readonly authenticate: Authenticate;
  readonly serviceKeys: readonly ServiceKey[];
}

const { account, password } = examples;

const Registration = Type.Object(
  { username: Text, password: Text, email: Text },
  { ...closed, title: 'TaskApiRegistration', examples: [{ ...account, password }] },
);
const Account = Type.Object(
  { username: Text, email: Text },
  { ...closed, title: 'TaskApiAccount', examples: [account] },
);
const Credentials = Type.Object(
  { username: Text, password: Text },
  { ...closed, title: 'TaskApiCredentials', examples: [{ username: account.username, password }] },
);
const RefreshBody = Type.Object(
  { refresh: longText() },
  { ...closed, title: 'TaskApiRefresh', examples: [{ refresh: examples.refresh }] },
);
const Tokens = Type.Object(
  { access: longText(), refresh: longText() },
  { ...closed, title: 'TaskApiTokens', examples: [{ access: examples.access, refresh: examples.refresh }] },
);
const Nothing = Type.Object({}, { ...closed, title: 'TaskApiNothing', examples: [{}] });

/** Account routes that need no access token. */
export function accountRoutes(app: App, options: TaskApiAccountOptions): void {
  registerRoute(app, options);
  logInRoute(app, options);
  refreshRoute(app, options);
}

function registerRoute(app: App, { register }: TaskApiAccountOptions): void {
  app.post(
    '/api/v1/register/',
    {
      schema: {
        ...unauthenticated,
        operationId: 'taskApiRegister',
        summary: 'Create an account',
        body: Registration,
        response: {
          201: jsonAnswer('the account', Account, rateLimitHeaders),
          ...problemResponses(400, 409, 429, 503),
        },
      },
    },
    async (request, reply) => {
      const registered = await register({ ...request.body, client: clientInfoOf(request) });
      return reply.code(201).send(registered);
    },
  );
}

function logInRoute(app: App, { logInWithPassword }: TaskApiAccountOptions): void {
  app.post(
    '/api/v1/login/',
    {
      schema: {
        ...unauthenticated,
        operationId: 'taskApiLogIn',
        summary: 'Log in with username or address, and password',
        description:
          'Opens a session that is refreshed with the refresh token alone. These routes cannot ask for a second factor, so ' +
          'an account that has one is refused, unless `LEGACY_DOORS_SKIP_SECOND_FACTOR=true`.',
        body: Credentials,
        response: {
          200: jsonAnswer('the first tokens', Tokens, rateLimitHeaders),
          ...problemResponses(400, 401, 403, 429, 503),
        },
      },
    },
    async (request) => {
      const client = clientInfoOf(request);
      const session = { paired: false, door: 'task-api', clientId: OWN_CLIENT_ID, client } as const;
      return logInWithPassword({ ...session, ...request.body });
    },
  );
}

function refreshRoute(app: App, { refresh, serviceKeys }: TaskApiAccountOptions): void {
  const findClient = createConfidentialClientFinder(serviceKeys);
  app.post(
    '/api/v1/refresh/',
    {
      schema: {
        ...unauthenticated,
        security: [{}, { serviceKey: [] }],
        operationId: 'taskApiRefresh',
        summary: 'Exchange a refresh token for the next tokens',
        description: 'The presented token is then invalid. If it is presented again later, its session ends.',
        headers: RefreshHeaders,
        body: RefreshBody,
        response: {
          200: jsonAnswer('the next tokens', Tokens, rateLimitHeaders),
          ...problemResponses(400, 401, 403, 422, 429, 503),
        },
      },
    },
    async (request) => {
      return refresh({
        refreshToken: request.body.refresh,
        accessToken: null,
        ...callerOf(request, findClient(request)),
      });
    },
  );
}

/** Must be registered in a scope that requires an access token. */
export function logOutRoute(app: App, { logOut }: TaskApiAccountOptions): void {
  app.post(
    '/api/v1/logout/',
    {
      schema: {
        ...authorized,
        operationId: 'taskApiLogOut',
        [BODY_IS_OPTIONAL]: true,
        summary: 'End all sessions of the user',
        body: Nothing,
        response: { 205: emptyAnswer('done', rateLimitHeaders), ...problemResponses(400, 401, 429, 503) },
      },
    },
    async (request, reply) => {
      await logOut(principalOf(request), 'all', userOrigin(request));
      return reply.code(205).send(undefined);
    },
  );
}

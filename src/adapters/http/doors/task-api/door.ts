import type { FastifyRequest } from 'fastify';
import type { App } from '../../server/app.ts';
import { createSchemeMatcher, principalFromRequest } from '../../server/authenticate.ts';
import { registerScope } from '../../server/register-scope.ts';
import { accountRoutes, logOutRoute, type TaskApiAccountOptions } from './accounts.ts';
import { parseForms } from './forms.ts';
import { type RequestLimitOptions, registerRequestLimit } from './request-limit.ts';
import { type TaskOptions, taskRoutes } from './tasks.ts';
import { type TaskApiUserOptions, userRoutes } from './users.ts';

export interface TaskApiOptions
  extends TaskApiAccountOptions,
    RequestLimitOptions,
    TaskOptions,
    TaskApiUserOptions {}

const TOKEN = createSchemeMatcher('Token', 'Bearer');

/** Accounts, sessions that are refreshed with the refresh token alone, and tasks. */
export async function taskApiDoor(app: App, options: TaskApiOptions): Promise<void> {
  const { authenticate } = options;
  await parseForms(app);
  await registerRequestLimit(app, options);
  accountRoutes(app, options);
  await registerScope(app, (own) => {
    // The request limit runs between these two hooks, so that unauthenticated requests are counted too.
    const refusals = new WeakMap<FastifyRequest, unknown>();
    own.addHook('onRequest', async (request) => {
      request.principal = await principalFromRequest(request, authenticate, TOKEN).catch(
        (refusal: unknown) => {
          refusals.set(request, refusal);
          return null;
        },
      );
    });
    own.addHook('preParsing', async (request) => {
      if (request.principal === null) throw refusals.get(request);
    });
    logOutRoute(own, options);
    taskRoutes(own, options);
    userRoutes(own, options);
  });
}

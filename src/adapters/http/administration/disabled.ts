import { type Static, Type } from '@sinclair/typebox';
import type { DisableUser } from '../../../app/administration/disable-user.ts';
import type { EnableUser } from '../../../app/administration/enable-user.ts';
import type { FindUserState } from '../../../app/administration/find-user-state.ts';
import { canonicalUserId } from '../../../domain/user-id.ts';
import type { App } from '../server/app.ts';
import { examples } from '../server/examples.ts';
import { adminOrigin, operatorSchema } from '../server/operators.ts';
import { Empty, jsonAnswer, problemResponses, Time } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';

export interface DisabledOptions {
  readonly disableUser: DisableUser;
  readonly enableUser: EnableUser;
  readonly findUserState: FindUserState;
}

const PATH = '/admin/users/:id/disabled';

const Disabled = Type.Object(
  {
    disabledAt: Type.Union([Time, Type.Null()], {
      description: 'since when logins are refused; null: the user may log in',
    }),
  },
  { additionalProperties: false, title: 'Disabled', examples: [{ disabledAt: examples.time }] },
);

/** `/admin/users/{id}/disabled`: whether a user id may log in. `PUT` and `DELETE` are idempotent. */
export function disabledRoutes(scope: App, options: DisabledOptions): void {
  const { disableUser, enableUser, findUserState } = options;
  const common = {
    ...operatorSchema,
    params: Type.Object({ id: UserId }),
  };
  const refusals = problemResponses(400, 401, 403, 503);
  const schema = { ...common, response: { 204: Empty, ...refusals } };

  scope.get(
    PATH,
    {
      schema: {
        ...common,
        operationId: 'getDisabled',
        summary: 'Get whether a user is disabled',
        response: { 200: jsonAnswer('since when the user is disabled', Disabled), ...refusals },
      },
    },
    async (request): Promise<Static<typeof Disabled>> => {
      const { disabledAt } = await findUserState(canonicalUserId(request.params.id));
      return { disabledAt: disabledAt === null ? null : new Date(disabledAt).toISOString() };
    },
  );

  scope.put(
    PATH,
    {
      schema: {
        ...schema,
        operationId: 'disableUser',
        summary: 'Disable a user',
        description:
          'Ends all sessions of the user and refuses logins with `account_disabled`. The user needs no account here.',
      },
    },
    async (request, reply) => {
      await disableUser(canonicalUserId(request.params.id), adminOrigin(request));
      return reply.code(204).send(null);
    },
  );

  scope.delete(
    PATH,
    { schema: { ...schema, operationId: 'enableUser', summary: 'Let a disabled user log in again' } },
    async (request, reply) => {
      await enableUser(canonicalUserId(request.params.id), adminOrigin(request));
      return reply.code(204).send(null);
    },
  );
}

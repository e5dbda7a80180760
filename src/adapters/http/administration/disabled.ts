import { Type } from '@sinclair/typebox';
import type { DisableUser } from '../../../app/administration/disable-user.ts';
import type { EnableUser } from '../../../app/administration/enable-user.ts';
import type { App } from '../server/app.ts';
import { adminOrigin } from '../server/operators.ts';
import { Empty, problems, Uuid } from '../server/schemas.ts';

export interface DisabledOptions {
  readonly disableUser: DisableUser;
  readonly enableUser: EnableUser;
}

const PATH = '/admin/users/:id/disabled';

/** `PUT` and `DELETE /admin/users/{id}/disabled`: whether any user id may log in. Both can be repeated. */
export function disabledRoutes(scope: App, { disableUser, enableUser }: DisabledOptions): void {
  const schema = {
    tags: ['operations'],
    security: [{ serviceKey: [] }],
    params: Type.Object({ id: Uuid }),
    response: { 204: Empty, ...problems(400, 401, 403, 503) },
  };

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
      await disableUser(request.params.id.toLowerCase(), adminOrigin(request));
      return reply.code(204).send(null);
    },
  );

  scope.delete(
    PATH,
    { schema: { ...schema, operationId: 'enableUser', summary: 'Let a disabled user log in again' } },
    async (request, reply) => {
      await enableUser(request.params.id.toLowerCase(), adminOrigin(request));
      return reply.code(204).send(null);
    },
  );
}

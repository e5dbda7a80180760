import { type Static, Type } from '@sinclair/typebox';
import type { DescribeUser } from '../../../../app/tasks/describe-user.ts';
import type { ListUsers, UserWithTasks } from '../../../../app/tasks/list-users.ts';
import type { App } from '../../server/app.ts';
import { principalOf } from '../../server/authenticate.ts';
import { examples } from '../../server/examples.ts';
import { longText } from '../../server/field-schemas.ts';
import { idOf, jsonAnswer, problemResponses, Uuid } from '../../server/schemas.ts';
import { rateLimitHeaders } from './request-limit.ts';
import { authorized } from './schemas.ts';

export interface TaskApiUserOptions {
  readonly listUsers: ListUsers;
  readonly describeUser: DescribeUser;
}

const example = { id: examples.user, username: 'ann', tasks: ['Water the plants'] };
const User = Type.Object(
  {
    id: Uuid,
    username: Type.Optional(
      longText({ description: 'absent for another user whose name is an unverified e-mail address' }),
    ),
    tasks: Type.Array(longText(), {
      maxItems: 1_000,
      description: 'the texts of the user’s own tasks; empty for other users',
    }),
  },
  { title: 'User', additionalProperties: false, examples: [example] },
);
const Users = Type.Array(User, { maxItems: 1_000, examples: [[example]] });

/** Must be registered in a scope that requires an access token. */
export function userRoutes(app: App, { listUsers, describeUser }: TaskApiUserOptions): void {
  app.get(
    '/api/v1/users/',
    {
      schema: {
        ...authorized,
        operationId: 'listUsers',
        summary: 'List the newest 1,000 users, newest first',
        response: {
          200: jsonAnswer('the users', Users, rateLimitHeaders),
          ...problemResponses(401, 429, 503),
        },
      },
    },
    async (request) => (await listUsers(principalOf(request).userId)).map(toItem),
  );

  app.get(
    '/api/v1/users/:id/',
    {
      schema: {
        ...authorized,
        operationId: 'getUser',
        summary: 'Get a user',
        params: Type.Object({ id: idOf('account') }),
        response: {
          200: jsonAnswer('the user', User, rateLimitHeaders),
          ...problemResponses(400, 401, 404, 429, 503),
        },
      },
    },
    async (request) =>
      toItem(await describeUser(principalOf(request).userId, request.params.id.toLowerCase())),
  );
}

function toItem(user: UserWithTasks): Static<typeof User> {
  return { ...user, tasks: [...user.tasks] };
}

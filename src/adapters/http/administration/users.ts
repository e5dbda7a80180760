import { type Static, Type } from '@sinclair/typebox';
import type { DeleteUser } from '../../../app/administration/delete-user.ts';
import type { ListAccounts } from '../../../app/administration/list-accounts.ts';
import { accountNotFound } from '../../../domain/refusal.ts';
import { canonicalUserId } from '../../../domain/user-id.ts';
import type { App } from '../server/app.ts';
import { oneOf } from '../server/field-schemas.ts';
import { adminOrigin, operatorSchema } from '../server/operators.ts';
import { Empty, jsonAnswer, problemResponses, Text } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';
import { AccountItem, AccountList, toAccountItem } from './account-item.ts';
import { type ChangeUsersOptions, changeUserRoutes } from './change-users.ts';

export interface UsersOptions extends ChangeUsersOptions {
  readonly listAccounts: ListAccounts;
  readonly deleteUser: DeleteUser;
}

const USER_PATH = '/admin/users/:id';

const userSchema = { ...operatorSchema, params: Type.Object({ id: UserId }) };

const Query = Type.Object({
  query: Type.Optional(
    Type.String({
      ...Text,
      maxLength: 320,
      description:
        'the beginning of a name, of an e-mail address, or of an id. An id needs its first nine characters, up to the hyphen',
    }),
  ),
  only: Type.Optional(
    oneOf(['disabled', 'operators'], { description: 'without `query`: only these accounts' }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(
    Type.String({ pattern: '^[\\w-]*$', maxLength: 2_000, description: '`nextCursor` of the previous page' }),
  ),
});

/** `/admin/users`: the accounts of this service. */
export function userRoutes(scope: App, options: UsersOptions): void {
  changeUserRoutes(scope, options);
  listRoute(scope, options);
  getRoute(scope, options);
  deleteRoute(scope, options);
}

function listRoute(scope: App, { listAccounts }: UsersOptions): void {
  scope.get(
    '/admin/users',
    {
      schema: {
        ...operatorSchema,
        operationId: 'listUserAccounts',
        summary: 'List or find accounts',
        description:
          'Without a filter, newest first. With `query`, in the order of the found names and addresses, or of ids. With `only`, in the order of ids. A page of disabled accounts can be empty although it has a `nextCursor`.',
        querystring: Query,
        response: {
          200: jsonAnswer('a page of accounts', AccountList),
          ...problemResponses(400, 401, 403, 503),
        },
      },
    },
    async (request): Promise<Static<typeof AccountList>> => {
      const { query = null, only = null, limit = 20, cursor = null } = request.query;
      const { items, ...more } = await listAccounts({ query, only, limit, cursor });
      return { items: items.map(toAccountItem), ...more };
    },
  );
}

function getRoute(scope: App, { findAccount }: UsersOptions): void {
  scope.get(
    USER_PATH,
    {
      schema: {
        ...userSchema,
        operationId: 'getUserAccount',
        summary: 'Get an account',
        response: {
          200: jsonAnswer('the account', AccountItem),
          ...problemResponses(400, 401, 403, 404, 503),
        },
      },
    },
    async (request): Promise<Static<typeof AccountItem>> => {
      const account = await findAccount(canonicalUserId(request.params.id));
      if (account === null) throw accountNotFound();
      return toAccountItem(account);
    },
  );
}

function deleteRoute(scope: App, { deleteUser }: UsersOptions): void {
  scope.delete(
    USER_PATH,
    {
      schema: {
        ...userSchema,
        operationId: 'deleteUserAccount',
        summary: 'Delete an account',
        description:
          'Deletes the account with its data and its factors, and ends all its sessions. Its claims and a disabled state belong to the user id, and stay.',
        response: { 204: Empty, ...problemResponses(400, 401, 403, 404, 503) },
      },
    },
    async (request, reply) => {
      if (!(await deleteUser(canonicalUserId(request.params.id), adminOrigin(request))))
        throw accountNotFound();
      return reply.code(204).send(null);
    },
  );
}

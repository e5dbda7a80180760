import { type Static, Type } from '@sinclair/typebox';
import type { ChangeUser } from '../../../app/administration/change-user.ts';
import type { CreateUser } from '../../../app/administration/create-user.ts';
import type { FindAccount } from '../../../app/administration/list-accounts.ts';
import { accountNotFound } from '../../../domain/refusal.ts';
import { canonicalUserId } from '../../../domain/user-id.ts';
import type { App } from '../server/app.ts';
import { examples } from '../server/examples.ts';
import { closed } from '../server/field-schemas.ts';
import { adminOrigin, operatorSchema } from '../server/operators.ts';
import { jsonAnswer, problemResponses, Text } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';
import { AccountItem, toAccountItem } from './account-item.ts';

export interface ChangeUsersOptions {
  readonly createUser: CreateUser;
  readonly changeUser: ChangeUser;
  readonly findAccount: FindAccount;
}

const EmailVerified = Type.Optional(
  Type.Boolean({ description: 'whether you vouch that the user receives mail at the address' }),
);

const { account } = examples;

const NewUser = Type.Object(
  {
    username: Text,
    email: Text,
    password: Type.Optional({ ...Text, description: 'without it the user gets an invitation by mail' }),
    emailVerified: EmailVerified,
  },
  { ...closed, title: 'NewUser', examples: [account] },
);

const UserChanges = Type.Object(
  { username: Type.Optional(Text), email: Type.Optional(Text), emailVerified: EmailVerified },
  { ...closed, title: 'UserChanges', examples: [{ email: account.email, emailVerified: true }] },
);

/** `POST /admin/users` and `PATCH /admin/users/{id}`: an operator makes and changes accounts. */
export function changeUserRoutes(scope: App, options: ChangeUsersOptions): void {
  createRoute(scope, options);
  changeRoute(scope, options);
}

function createRoute(scope: App, { createUser, findAccount }: ChangeUsersOptions): void {
  scope.post(
    '/admin/users',
    {
      schema: {
        ...operatorSchema,
        operationId: 'createUserAccount',
        summary: 'Create an account',
        description:
          'Without `password` the user gets a mail with a link, valid for 7 days, that sets the password and proves the ' +
          'address. With `password` the link only proves the address, and is not sent if `emailVerified` is true.',
        body: NewUser,
        response: {
          201: jsonAnswer('the account', AccountItem),
          ...problemResponses(400, 401, 403, 409, 429, 503),
        },
      },
    },
    async (request, reply): Promise<Static<typeof AccountItem>> => {
      const id = await createUser(request.body, adminOrigin(request));
      reply.code(201).header('location', `/admin/users/${id}`);
      return readAccount(findAccount, id);
    },
  );
}

function changeRoute(scope: App, { changeUser, findAccount }: ChangeUsersOptions): void {
  scope.patch(
    '/admin/users/:id',
    {
      schema: {
        ...operatorSchema,
        operationId: 'changeUserAccount',
        summary: 'Change the name or address of an account, or whether the address is verified',
        description:
          'A change of the address is final. The new address counts as not verified unless `emailVerified` is true. If it ' +
          'is not verified, it gets the link that proves it, unless `EMAIL_VERIFICATION` is off. The former address gets ' +
          'a notice. Earlier links of the account that prove, change or restore an address or set a password become invalid.',
        params: Type.Object({ id: UserId }),
        body: UserChanges,
        response: {
          200: jsonAnswer('the account after the change', AccountItem),
          ...problemResponses(400, 401, 403, 404, 409, 503),
        },
      },
    },
    async (request): Promise<Static<typeof AccountItem>> => {
      const id = canonicalUserId(request.params.id);
      if (!(await changeUser(id, request.body, adminOrigin(request)))) throw accountNotFound();
      return readAccount(findAccount, id);
    },
  );
}

/** Reads the account after the change. Another request may have changed or deleted it in the meantime. */
async function readAccount(findAccount: FindAccount, id: string): Promise<Static<typeof AccountItem>> {
  const found = await findAccount(id);
  if (found === null) throw accountNotFound();
  return toAccountItem(found);
}

import { Type } from '@sinclair/typebox';
import type { changePassword } from '../../../app/accounts/change-password.ts';
import type { deleteAccount } from '../../../app/accounts/delete-account.ts';
import type { describeMe } from '../../../app/accounts/describe-me.ts';
import type { forgotPassword } from '../../../app/accounts/forgot-password.ts';
import type { register } from '../../../app/accounts/register.ts';
import { isMailbox } from '../../../domain/mailbox.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from '../server/app.ts';
import { principalOf } from '../server/authenticate.ts';
import { clientOf } from '../server/client.ts';
import { answer, Empty, problems, Text, Uuid } from '../server/schemas.ts';

export interface AccountsOptions {
  readonly register: ReturnType<typeof register>;
  readonly describeMe: ReturnType<typeof describeMe>;
  readonly changePassword: ReturnType<typeof changePassword>;
  readonly forgotPassword: ReturnType<typeof forgotPassword>;
  readonly deleteAccount: ReturnType<typeof deleteAccount>;
}

const Registration = Type.Object(
  { username: Text, email: Text, password: Text },
  { additionalProperties: false },
);
const Account = Type.Object({ id: Uuid, username: Text, email: Text }, { additionalProperties: false });

/** What anyone may ask for. */
export function accountRoutes(app: App, { register, forgotPassword }: AccountsOptions): void {
  app.post(
    '/auth/register',
    {
      schema: {
        tags: ['accounts'],
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
    '/auth/password/forgot',
    {
      schema: {
        tags: ['accounts'],
        summary: 'Ask for a link to set a new password',
        description: 'The answer is the same whether the address has an account or not.',
        body: Type.Object({ email: Text }, { additionalProperties: false }),
        response: { 202: Empty, ...problems(400, 429, 503) },
      },
    },
    async (request, reply) => {
      const { email } = request.body;
      if (!isMailbox(email)) throw new Refusal('invalid_request', 'body/email must be one mailbox.');
      await forgotPassword({ email, client: clientOf(request) });
      return reply.code(202).send(undefined);
    },
  );
}

const Me = Type.Object(
  { userId: Uuid, sessionId: Uuid, username: Type.Optional(Text), email: Type.Optional(Text) },
  { additionalProperties: false },
);
const schema = { tags: ['accounts'], security: [{ bearer: [] }] };

/** One's own account: to be called in a scope that needs a bearer. */
export function ownAccountRoutes(app: App, options: AccountsOptions): void {
  const { describeMe, changePassword, deleteAccount } = options;

  app.get(
    '/auth/me',
    {
      schema: { ...schema, summary: 'Who am I', response: { 200: answer('you', Me), ...problems(401, 503) } },
    },
    async (request) => describeMe(principalOf(request)),
  );

  app.delete(
    '/auth/me',
    {
      schema: {
        ...schema,
        summary: 'Delete one’s own account',
        body: Type.Object({ password: Text }, { additionalProperties: false }),
        response: { 204: Empty, ...problems(400, 401, 404, 429, 503) },
      },
    },
    async (request, reply) => {
      const { userId } = principalOf(request);
      await deleteAccount({ userId, ...request.body, client: clientOf(request) });
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/auth/password',
    {
      schema: {
        ...schema,
        summary: 'Change one’s own password; every other session ends',
        body: Type.Object({ currentPassword: Text, newPassword: Text }, { additionalProperties: false }),
        response: { 204: Empty, ...problems(400, 401, 404, 429, 503) },
      },
    },
    async (request, reply) => {
      await changePassword({ ...principalOf(request), ...request.body, client: clientOf(request) });
      return reply.code(204).send(null);
    },
  );
}

import { Type } from '@sinclair/typebox';
import type { ChangePassword } from '../../../app/accounts/change-password.ts';
import type { DeleteAccount } from '../../../app/accounts/delete-account.ts';
import type { DescribeMe } from '../../../app/accounts/describe-me.ts';
import type { MailPasswordReset } from '../../../app/accounts/mail-password-reset.ts';
import type { MailVerification } from '../../../app/accounts/mail-verification.ts';
import { readMailAddress } from '../../../app/accounts/read-mail-address.ts';
import type { Register } from '../../../app/accounts/register.ts';
import type { RequestEmailChange } from '../../../app/accounts/request-email-change.ts';
import type { App } from '../server/app.ts';
import { principalOf } from '../server/authenticate.ts';
import { Acr, Amr, AuthTime } from '../server/authentication-schemas.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { examples } from '../server/examples.ts';
import { BODY_IS_OPTIONAL, Empty, jsonAnswer, problemResponses, Text, Uuid } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';

export interface AccountsOptions {
  readonly register: Register;
  readonly describeMe: DescribeMe;
  readonly changePassword: ChangePassword;
  readonly mailPasswordReset: MailPasswordReset;
  readonly mailVerification: MailVerification;
  readonly requestEmailChange: RequestEmailChange;
  readonly deleteAccount: DeleteAccount;
}

const { account, password, newPassword } = examples;
const tags = ['accounts'];

const Registration = Type.Object(
  { username: Text, email: Text, password: Text },
  { title: 'Registration', additionalProperties: false, examples: [{ ...account, password }] },
);
const Account = Type.Object(
  { id: Uuid, username: Text, email: Text },
  { title: 'Account', additionalProperties: false, examples: [{ id: examples.user, ...account }] },
);
const ForgottenPassword = bodyWithAddress('ForgottenPassword');
const UnverifiedAddress = bodyWithAddress('UnverifiedAddress');

/** Account routes that need no session. */
export function accountRoutes(app: App, options: AccountsOptions): void {
  registerRoute(app, options);
  forgotPasswordRoute(app, options);
  mailVerificationRoute(app, options);
}

function registerRoute(app: App, { register }: AccountsOptions): void {
  app.post(
    '/auth/register',
    {
      schema: {
        operationId: 'register',
        tags,
        summary: 'Create an account',
        security: [],
        body: Registration,
        response: { 201: jsonAnswer('the account', Account), ...problemResponses(400, 409, 429, 503) },
      },
    },
    async (request, reply) => {
      const registered = await register({ ...request.body, client: clientInfoOf(request) });
      return reply.code(201).send(registered);
    },
  );
}

function forgotPasswordRoute(app: App, { mailPasswordReset }: AccountsOptions): void {
  app.post(
    '/auth/password/forgot',
    {
      schema: {
        operationId: 'forgotPassword',
        tags,
        summary: 'Request a mail with a link to set a new password',
        description:
          'The answer is the same for an address with and without an account, and for repeated requests.',
        security: [],
        body: ForgottenPassword,
        response: { 202: Empty, ...problemResponses(400, 503) },
      },
    },
    async (request, reply) => {
      await mailPasswordReset({ email: readMailAddress(request.body.email), client: clientInfoOf(request) });
      return reply.code(202).send(undefined);
    },
  );
}

function mailVerificationRoute(app: App, { mailVerification }: AccountsOptions): void {
  app.post(
    '/auth/email/verification',
    {
      schema: {
        operationId: 'mailVerification',
        tags,
        summary: 'Request another mail with a link that confirms the address of an account',
        description:
          'The answer is the same for an address with and without an account, for a confirmed address, and for repeated ' +
          'requests. One address gets at most three of these mails a day.',
        security: [],
        body: UnverifiedAddress,
        response: { 202: Empty, ...problemResponses(400, 503) },
      },
    },
    async (request, reply) => {
      await mailVerification({ email: readMailAddress(request.body.email), client: clientInfoOf(request) });
      return reply.code(202).send(undefined);
    },
  );
}

function bodyWithAddress(title: string) {
  return Type.Object(
    { email: Text },
    { title, additionalProperties: false, examples: [{ email: account.email }] },
  );
}

const Me = Type.Object(
  {
    userId: UserId,
    sessionId: Uuid,
    username: Type.Optional(Text),
    email: Type.Optional(Text),
    emailVerified: Type.Optional(
      Type.Boolean({
        description: 'whether the address is verified: by the user, or because an operator vouched for it',
      }),
    ),
    authTime: Type.Optional(AuthTime),
    amr: Type.Optional(Amr),
    acr: Type.Optional(Acr),
  },
  {
    title: 'Me',
    additionalProperties: false,
    examples: [
      {
        userId: examples.user,
        sessionId: examples.session,
        ...account,
        emailVerified: false,
        authTime: examples.authentication.auth_time,
        amr: examples.authentication.amr,
        acr: examples.authentication.acr,
      },
    ],
  },
);
const ConfirmedPassword = Type.Object(
  { password: Type.Optional(Text) },
  { title: 'ConfirmedPassword', additionalProperties: false, examples: [{ password }] },
);
const PasswordChange = Type.Object(
  { currentPassword: Text, newPassword: Text },
  {
    title: 'PasswordChange',
    additionalProperties: false,
    examples: [{ currentPassword: password, newPassword }],
  },
);
const EmailChange = Type.Object(
  { email: Text, password: Type.Optional(Text) },
  {
    title: 'EmailChange',
    additionalProperties: false,
    examples: [{ email: 'ann@example.org', password }],
  },
);
const schema = { tags, security: [{ bearer: [] }] };

/** For the description of a sensitive route. */
const RECENT_SIGN_IN =
  'Requires an authentication within `STEP_UP_MAX_AGE`, by a second factor if the account has one. An account without a ' +
  'second factor can send its password instead. Without both, the answer is 401 `step_up_required`: get a new pair from ' +
  '`POST /auth/step-up`, and repeat the request.';

/** Account routes of the logged-in user. Must be registered in a scope that requires a bearer token. */
export function ownAccountRoutes(app: App, options: AccountsOptions): void {
  getMeRoute(app, options);
  deleteMeRoute(app, options);
  emailChangeRoute(app, options);
  passwordChangeRoute(app, options);
}

function getMeRoute(app: App, { describeMe }: AccountsOptions): void {
  app.get(
    '/auth/me',
    {
      schema: {
        ...schema,
        operationId: 'getMe',
        summary: 'Get the user and the session of the access token',
        response: { 200: jsonAnswer('the user and the session', Me), ...problemResponses(401, 503) },
      },
    },
    async (request) => {
      const { authentication, ...session } = principalOf(request);
      const { auth_time: authTime, ...rest } = authentication;
      return { ...(await describeMe(session)), ...(authTime !== undefined && { authTime }), ...rest };
    },
  );
}

function deleteMeRoute(app: App, { deleteAccount }: AccountsOptions): void {
  app.delete(
    '/auth/me',
    {
      schema: {
        ...schema,
        operationId: 'deleteMe',
        [BODY_IS_OPTIONAL]: true,
        summary: 'Delete the account of the user',
        description: RECENT_SIGN_IN,
        body: ConfirmedPassword,
        response: { 204: Empty, ...problemResponses(400, 401, 404, 429, 503) },
      },
    },
    async (request, reply) => {
      await deleteAccount({ ...principalOf(request), ...request.body, client: clientInfoOf(request) });
      return reply.code(204).send(null);
    },
  );
}

function emailChangeRoute(app: App, { requestEmailChange }: AccountsOptions): void {
  app.post(
    '/auth/email',
    {
      schema: {
        ...schema,
        operationId: 'requestEmailChange',
        summary: 'Request a change of the address of the account',
        description:
          'Mails a link to the new address, and a notice to the present one. If the present address is verified, the ' +
          'notice has an undo link. The address changes when the link is used. ' +
          `An account can request three changes a day. ${RECENT_SIGN_IN}`,
        body: EmailChange,
        response: { 202: Empty, ...problemResponses(400, 401, 404, 409, 429, 503) },
      },
    },
    async (request, reply) => {
      await requestEmailChange({ ...principalOf(request), ...request.body, client: clientInfoOf(request) });
      return reply.code(202).send(undefined);
    },
  );
}

function passwordChangeRoute(app: App, { changePassword }: AccountsOptions): void {
  app.post(
    '/auth/password',
    {
      schema: {
        ...schema,
        operationId: 'changePassword',
        summary: 'Change the password and end all other sessions',
        description:
          'An account with a second factor must have signed in or stepped up with it within `STEP_UP_MAX_AGE`. ' +
          'Otherwise the answer is 401 `step_up_required`.',
        body: PasswordChange,
        response: { 204: Empty, ...problemResponses(400, 401, 404, 429, 503) },
      },
    },
    async (request, reply) => {
      await changePassword({ ...principalOf(request), ...request.body, client: clientInfoOf(request) });
      return reply.code(204).send(null);
    },
  );
}

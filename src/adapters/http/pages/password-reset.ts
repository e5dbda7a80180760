import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import type { CheckResetLink, ResetPassword } from '../../../app/accounts/reset-password.ts';
import { Refusal } from '../../../domain/refusal.ts';
import { withUnicodeDomain } from '../../../lib/domain-names.ts';
import type { App } from '../server/app.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { Empty, textAnswer } from '../server/schemas.ts';
import { renderForm } from './form.ts';
import { type Page, paragraph } from './layout.ts';
import { LinkToken, pageResponses } from './mailed-link.ts';
import { FORM_LIMIT, pageRefusals, pageSchema, type SendPage } from './page.ts';

export interface PasswordResetOptions {
  readonly checkResetLink: CheckResetLink;
  readonly resetPassword: ResetPassword;
}

/** A password of any length reaches the use case, which says what is wrong with it. */
const newPassword = Type.String({ maxLength: FORM_LIMIT });
const Reset = Type.Object(
  { token: LinkToken, newPassword },
  {
    title: 'PasswordReset',
    additionalProperties: false,
    examples: [{ token: 'qWHBn9xM…', newPassword: 'a green piano 44' }],
  },
);

type Options = PasswordResetOptions & { readonly sendPage: SendPage };

/** The link in a mail leads to a page that asks for a new password. A GET does not use up the link. */
export function passwordResetPages(app: App, options: Options): void {
  showFormRoute(app, options);
  setPasswordRoute(app, options);
}

function showFormRoute(app: App, { checkResetLink, sendPage }: Options): void {
  app.get(
    '/auth/password/reset',
    {
      schema: {
        ...pageSchema,
        operationId: 'showPasswordReset',
        summary: 'Show the page of a mailed link, with a form for a new password',
        querystring: Type.Object({ token: LinkToken }),
        response: pageResponses('the page', 400, 403, 503),
      },
    },
    async (request, reply) => {
      const { token } = request.query;
      const { username } = await checkResetLink(token);
      return sendPage(reply, formPage({ token, username }));
    },
  );
}

function setPasswordRoute(app: App, { checkResetLink, resetPassword, sendPage }: Options): void {
  app.post(
    '/auth/password/reset',
    {
      schema: {
        ...pageSchema,
        operationId: 'resetPassword',
        summary: 'Set a new password by a mailed link; every session ends',
        body: Reset,
        response: {
          200: textAnswer('to a form: a page that confirms it', 'text/html'),
          204: Empty,
          ...pageRefusals(400, 403, 503),
        },
      },
    },
    async (request, reply) => {
      const { token } = request.body;
      try {
        const { emailVerified } = await resetPassword({ ...request.body, client: clientInfoOf(request) });
        return isForm(request) ? sendPage(reply, passwordSetPage(emailVerified)) : reply.code(204).send(null);
      } catch (error) {
        const isRefusedPassword = error instanceof Refusal && error.code === 'invalid_request';
        if (!isRefusedPassword || !isForm(request)) throw error;
        const { username } = await checkResetLink(token);
        return sendPage(reply.code(400), formPage({ token, username, error: error.message }));
      }
    },
  );
}

function isForm({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
}

function passwordSetPage(emailVerified: boolean): Page {
  return {
    title: 'Your password has been set',
    content:
      (emailVerified ? paragraph('The address of your account is now confirmed.') : '') +
      paragraph('All your sessions have ended. Log in with the new password.'),
  };
}

interface FormState {
  readonly token: string;
  readonly username: string;
  /** Why the password was refused. */
  readonly error?: string;
}

/** The account is an input, so that a password manager stores the password for it. */
function formPage({ token, username, error }: FormState): Page {
  return {
    title: 'Choose a new password',
    hasError: error !== undefined,
    content: renderForm({
      action: '/auth/password/reset',
      hidden: { token },
      fields: [
        {
          name: 'account',
          label: 'Account',
          type: 'text',
          autocomplete: 'username',
          value: withUnicodeDomain(username),
          isReadOnly: true,
        },
        {
          id: 'new-password',
          name: 'newPassword',
          label: 'New password',
          type: 'password',
          autocomplete: 'new-password',
          hint: 'Eight characters or more. All your sessions end when you set it.',
          minLength: 8,
          isInvalid: error !== undefined,
        },
      ],
      button: 'Set the password',
      error: error ?? null,
    }),
  };
}

import { Type } from '@sinclair/typebox';
import type { CheckResetLink, ResetPassword } from '../../../app/accounts/reset-password.ts';
import type { App } from '../server/app.ts';
import { clientOf } from '../server/client.ts';
import { Empty, Text, text } from '../server/schemas.ts';
import { escapeHtml, pages, refusals, sendPage } from './page.ts';

export interface PasswordResetOptions {
  readonly checkResetLink: CheckResetLink;
  readonly resetPassword: ResetPassword;
}

const token = Type.String({ maxLength: 100, description: 'as it is in the link' });
const Reset = Type.Object(
  { token, newPassword: Text },
  {
    title: 'PasswordReset',
    additionalProperties: false,
    examples: [{ token: 'qWHBn9xM…', newPassword: 'a green piano 44' }],
  },
);

/** The link in a mail leads to a page that asks for a new password. A GET does not use the link up. */
export function passwordResetPages(app: App, options: PasswordResetOptions): void {
  askingPage(app, options);
  settingPage(app, options);
}

function askingPage(app: App, { checkResetLink }: PasswordResetOptions): void {
  app.get(
    '/auth/password/reset',
    {
      schema: {
        ...pages,
        operationId: 'showPasswordReset',
        summary: 'Where a mail about a forgotten password leads: a form for a new one',
        querystring: Type.Object({ token }),
        response: { 200: text('the page', 'text/html'), ...refusals(400, 403, 503) },
      },
    },
    async (request, reply) => {
      await checkResetLink(request.query.token);
      return sendPage(
        reply,
        'Choose a new password',
        `<form method="post" action="/auth/password/reset">
<input type="hidden" name="token" value="${escapeHtml(request.query.token)}">
<label>New password <input name="newPassword" type="password" autocomplete="new-password" minlength="8" required></label>
<button>Set the password</button>
</form>
<p>Eight characters or more. All your sessions will end.</p>`,
      );
    },
  );
}

function settingPage(app: App, { resetPassword }: PasswordResetOptions): void {
  app.post(
    '/auth/password/reset',
    {
      schema: {
        ...pages,
        operationId: 'resetPassword',
        summary: 'Set a new password by a mailed link; every session ends',
        body: Reset,
        response: {
          200: text('to a form: a page that says so', 'text/html'),
          204: Empty,
          ...refusals(400, 403, 503),
        },
      },
    },
    async (request, reply) => {
      await resetPassword({ ...request.body, client: clientOf(request) });
      const wantsPage =
        request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
      if (!wantsPage) return reply.code(204).send(null);
      return sendPage(
        reply,
        'Your password has been set',
        '<p>Log in with it. All your sessions have ended.</p>',
      );
    },
  );
}

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

const token = Type.String({ maxLength: 100, description: 'the token in the link' });
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
  formPage(app, options);
  resultPage(app, options);
}

function formPage(app: App, { checkResetLink }: PasswordResetOptions): void {
  app.get(
    '/auth/password/reset',
    {
      schema: {
        ...pages,
        operationId: 'showPasswordReset',
        summary: 'Show the form for a new password, which the link in a mail opens',
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

function resultPage(app: App, { resetPassword }: PasswordResetOptions): void {
  app.post(
    '/auth/password/reset',
    {
      schema: {
        ...pages,
        operationId: 'resetPassword',
        summary: 'Set a new password with the token of a link, and end all sessions',
        body: Reset,
        response: {
          200: text('a page that confirms it, if the request was a form', 'text/html'),
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

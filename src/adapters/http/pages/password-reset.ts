import { Type } from '@sinclair/typebox';
import type { checkResetLink, resetPassword } from '../../../app/accounts/reset-password.ts';
import type { App } from '../server/app.ts';
import { clientOf } from '../server/client.ts';
import { Text } from '../server/schemas.ts';
import { escapeHtml, sendPage } from './page.ts';

export interface PasswordResetOptions {
  readonly checkResetLink: ReturnType<typeof checkResetLink>;
  readonly resetPassword: ReturnType<typeof resetPassword>;
}

const token = Type.String({ maxLength: 100 });

/** The link in a mail leads to a page that asks for a new password. A GET uses nothing up. */
export function passwordResetPages(app: App, { checkResetLink, resetPassword }: PasswordResetOptions): void {
  const schema = { tags: ['pages'], produces: ['text/html'] };

  app.get(
    '/auth/password/reset',
    { schema: { ...schema, querystring: Type.Object({ token }) } },
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

  app.post(
    '/auth/password/reset',
    {
      schema: { ...schema, body: Type.Object({ token, newPassword: Text }, { additionalProperties: false }) },
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

import { Type } from '@sinclair/typebox';
import type { endByLink, readNotMeLink } from '../../../app/sessions/end-by-link.ts';
import type { App } from '../server/app.ts';
import { escapeHtml, sendPage } from './page.ts';

export interface NotMeOptions {
  readonly readNotMeLink: ReturnType<typeof readNotMeLink>;
  readonly endByLink: ReturnType<typeof endByLink>;
}

const Token = Type.Object({ token: Type.String({ maxLength: 300 }) });

/** "It was not me": the link in a mail leads to a page with one button. A GET ends nothing: mail scanners send it. */
export function notMePages(app: App, { readNotMeLink, endByLink }: NotMeOptions): void {
  const schema = { tags: ['pages'], produces: ['text/html'] };

  app.get('/auth/not-me', { schema: { ...schema, querystring: Token } }, async (request, reply) => {
    const { token } = request.query;
    await readNotMeLink(token);
    return sendPage(
      reply,
      'Was it not you?',
      `<p>The button ends the session that the mail was about, on every device that uses it.</p>
<form method="post" action="/auth/not-me">
<input type="hidden" name="token" value="${escapeHtml(token)}">
<button>End this session</button>
</form>
<p>Then log in again and change your password.</p>`,
    );
  });

  app.post('/auth/not-me', { schema: { ...schema, body: Token } }, async (request, reply) => {
    await endByLink(request.body.token);
    return sendPage(reply, 'The session has ended', '<p>Log in again, and change your password.</p>');
  });
}

import { Type } from '@sinclair/typebox';
import type { EndByLink, ReadNotMeLink } from '../../../app/sessions/end-by-link.ts';
import type { App } from '../server/app.ts';
import { addressOf } from '../server/client.ts';
import { examples } from '../server/examples.ts';
import { text } from '../server/schemas.ts';
import { escapeHtml, pages, refusals, sendPage } from './page.ts';

export interface NotMeOptions {
  readonly readNotMeLink: ReadNotMeLink;
  readonly endByLink: EndByLink;
}

const token = Type.String({ maxLength: 300, description: 'the token in the link' });
const Link = Type.Object(
  { token },
  {
    title: 'NotMe',
    additionalProperties: false,
    examples: [{ token: `${examples.session}.${examples.user}.1769915045000.…` }],
  },
);

/**
 * "It was not me": the link in a mail leads to a page with one button. A GET changes nothing, because mail scanners
 * follow links.
 */
export function notMePages(app: App, options: NotMeOptions): void {
  confirmationPage(app, options);
  resultPage(app, options);
}

function confirmationPage(app: App, { readNotMeLink }: NotMeOptions): void {
  app.get(
    '/auth/not-me',
    {
      schema: {
        ...pages,
        operationId: 'showNotMe',
        summary: 'Show the page with a button that ends a session, which the link in a mail opens',
        querystring: Type.Object({ token }), // a mail program may add parameters to a link
        response: { 200: text('the page', 'text/html'), ...refusals(400, 403, 503) },
      },
    },
    async (request, reply) => {
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
    },
  );
}

function resultPage(app: App, { endByLink }: NotMeOptions): void {
  app.post(
    '/auth/not-me',
    {
      schema: {
        ...pages,
        operationId: 'endSessionByLink',
        summary: 'End the session that a mail reported',
        body: Link,
        response: { 200: text('a page that confirms it', 'text/html'), ...refusals(400, 403, 503) },
      },
    },
    async (request, reply) => {
      await endByLink(request.body.token, addressOf(request));
      return sendPage(reply, 'The session has ended', '<p>Log in again, and change your password.</p>');
    },
  );
}

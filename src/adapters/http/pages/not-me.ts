import { Type } from '@sinclair/typebox';
import type {
  EndSessionsByLink,
  MailPasswordResetByLink,
  NotMeLink,
  ReadNotMeLink,
} from '../../../app/sessions/end-by-link.ts';
import type { App } from '../server/app.ts';
import { clientInfoOf, userOrigin } from '../server/client-info.ts';
import { examples } from '../server/examples.ts';
import { renderTokenForm } from './form.ts';
import { type Page, paragraph, renderName } from './layout.ts';
import { LinkToken, pageResponses } from './mailed-link.ts';
import { pageSchema, type SendPage } from './page.ts';

export interface NotMeOptions {
  readonly readNotMeLink: ReadNotMeLink;
  readonly endSessionsByLink: EndSessionsByLink;
  readonly mailPasswordResetByLink: MailPasswordResetByLink;
}

type Options = NotMeOptions & { readonly sendPage: SendPage };

/** Longer than the token of other links, because it contains the ids of the session and of the user. */
const token = Type.String({ ...LinkToken, maxLength: 1_000 });
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
export function notMePages(app: App, options: Options): void {
  confirmationRoute(app, options);
  endRoute(app, options);
  resetMailRoute(app, options);
}

function confirmationRoute(app: App, { readNotMeLink, sendPage }: Options): void {
  app.get(
    '/auth/not-me',
    {
      schema: {
        ...pageSchema,
        operationId: 'showNotMe',
        summary:
          'Show the page of a mailed link, with a button that ends the session, or all sessions of the user',
        querystring: Type.Object({ token }), // a mail program may add parameters to a link
        response: pageResponses('the page', 400, 403, 503),
      },
    },
    async (request, reply) => {
      const { token } = request.query;
      const link = await readNotMeLink(token);
      return sendPage(reply, link.sessionId === null ? endAllPage(token, link) : endOnePage(token, link));
    },
  );
}

function endRoute(app: App, { endSessionsByLink, sendPage }: Options): void {
  app.post(
    '/auth/not-me',
    {
      schema: {
        ...pageSchema,
        operationId: 'endSessionByLink',
        summary: 'End the session that a mail reported, or all sessions of its user',
        body: Link,
        response: pageResponses('a page that confirms it', 400, 403, 503),
      },
    },
    async (request, reply) => {
      const { token } = request.body;
      return sendPage(reply, endedPage(token, await endSessionsByLink(token, userOrigin(request))));
    },
  );
}

function resetMailRoute(app: App, { mailPasswordResetByLink, sendPage }: Options): void {
  app.post(
    '/auth/not-me/password',
    {
      schema: {
        ...pageSchema,
        operationId: 'mailResetByLink',
        summary: 'Mail a link for a new password to the user of a mailed link',
        body: Link,
        response: pageResponses('a page that confirms it', 400, 403, 404, 429, 503),
      },
    },
    async (request, reply) => {
      await mailPasswordResetByLink(request.body.token, clientInfoOf(request));
      return sendPage(reply, RESET_MAILED);
    },
  );
}

function endOnePage(token: string, { username }: NotMeLink): Page {
  const account = username === null ? '' : ` of the account ${renderName(username)}`;
  return {
    title: 'Was it not you?',
    content: `<p>The button ends the session${account} that the mail is about. Everyone who uses this session is logged out.</p>
${renderTokenForm('/auth/not-me', token, 'End this session')}`,
  };
}

function endAllPage(token: string, { username }: NotMeLink): Page {
  const account = username === null ? 'your account' : `the account ${renderName(username)}`;
  return {
    title: 'Was it not you?',
    content: `<p>The button ends all sessions of ${account}. You are logged out on every device.</p>
${renderTokenForm('/auth/not-me', token, 'End all sessions')}`,
  };
}

function endedPage(token: string, { sessionId, username }: NotMeLink): Page {
  const title = sessionId === null ? 'All sessions have ended' : 'The session has ended';
  if (username === null)
    return {
      title,
      content: paragraph('Change your password where you log in. Then log in again.'),
    };
  return {
    title,
    content: `<p>Now set a new password for the account ${renderName(username)}. We mail you a link for that.</p>
${renderTokenForm('/auth/not-me/password', token, 'Mail me a link')}`,
  };
}

const RESET_MAILED: Page = {
  title: 'Open your mailbox',
  content: paragraph(
    'We are sending a link to the address of your account. It is valid for one hour. If no mail arrives within ' +
      'five minutes, look into the folder for unwanted mail.',
  ),
};

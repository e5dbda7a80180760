import { Type } from '@sinclair/typebox';
import type { CheckVerificationLink, VerifyEmail } from '../../../app/accounts/verify-email.ts';
import type { App } from '../server/app.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { renderTokenForm } from './form.ts';
import { type Page, paragraph, renderName } from './layout.ts';
import { LinkToken, linkForm, pageResponses } from './mailed-link.ts';
import { pageSchema, type SendPage } from './page.ts';

export interface EmailVerificationOptions {
  readonly checkVerificationLink: CheckVerificationLink;
  readonly verifyEmail: VerifyEmail;
}

const PATH = '/auth/email/verify';

/** The link in a mail leads to a page with one button. A GET changes nothing, because mail scanners follow links. */
export function emailVerificationPages(
  app: App,
  {
    checkVerificationLink,
    verifyEmail,
    sendPage,
  }: EmailVerificationOptions & { readonly sendPage: SendPage },
): void {
  app.get(
    PATH,
    {
      schema: {
        ...pageSchema,
        operationId: 'showEmailVerification',
        summary: 'Show the page of a mailed link, with a button that confirms the address of an account',
        querystring: Type.Object({ token: LinkToken }),
        response: pageResponses('the page', 400, 403, 503),
      },
    },
    async (request, reply) => {
      const { token } = request.query;
      return sendPage(reply, confirmationPage(token, await checkVerificationLink(token)));
    },
  );

  app.post(
    PATH,
    {
      schema: {
        ...pageSchema,
        operationId: 'verifyEmail',
        summary: 'Confirm the address of an account by a mailed link',
        body: linkForm('EmailVerification'),
        response: pageResponses('a page that confirms it', 400, 403, 503),
      },
    },
    async (request, reply) => {
      await verifyEmail({ ...request.body, client: clientInfoOf(request) });
      return sendPage(reply, CONFIRMED);
    },
  );
}

/** Warns the reader: a stranger may have registered an account with an address that is not theirs. */
function confirmationPage(
  token: string,
  { username, email }: { readonly username: string; readonly email: string },
): Page {
  return {
    title: 'Is this your account?',
    content: `<p>The account ${renderName(username)} was made with the address ${renderName(email)}. The button confirms that the address belongs to this account.</p>
${paragraph('If you did not make this account, close this page. Do not press the button.')}${renderTokenForm(PATH, token, 'Confirm the address')}`,
  };
}

const CONFIRMED: Page = {
  title: 'Your address is confirmed',
  content: paragraph('You can close this page.'),
};

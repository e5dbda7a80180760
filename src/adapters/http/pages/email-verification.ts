import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CheckVerificationLink, VerifyEmail } from '../../../app/accounts/verify-email.ts';
import type { EmailVerification } from '../../../domain/email-address.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from '../server/app.ts';
import { clientInfoOf } from '../server/client-info.ts';
import { prepareRefusal } from '../server/problem-answers.ts';
import { VERIFICATION_BUTTON } from './account/overview.ts';
import { MAIL_VERIFICATION, renderOffer, UNCONFIRMED_ADDRESS } from './account/views.ts';
import { renderTokenForm } from './form.ts';
import { type Page, paragraph, renderName } from './layout.ts';
import { LinkToken, linkForm, pageResponses } from './mailed-link.ts';
import { pageSchema, type SendPage } from './page.ts';

export interface EmailVerificationOptions {
  readonly checkVerificationLink: CheckVerificationLink;
  readonly verifyEmail: VerifyEmail;
  readonly emailVerification: EmailVerification;
}

const PATH = '/auth/email/verify';

/** The link in a mail leads to a page with one button. A GET changes nothing, because mail scanners follow links. */
export function emailVerificationPages(
  app: App,
  {
    checkVerificationLink,
    verifyEmail,
    sendPage,
    accountPages,
    emailVerification,
  }: EmailVerificationOptions & { readonly sendPage: SendPage; readonly accountPages: boolean },
): void {
  function sendRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const content = accountPages ? INVALID_LINK[emailVerification] : null;
    if (content === null || !(error instanceof Refusal) || error.code !== 'invalid_link') throw error;
    const { title } = prepareRefusal(error, request, reply);
    return sendPage(reply, { title, content });
  }

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
      try {
        return sendPage(reply, confirmationPage(token, await checkVerificationLink(token)));
      } catch (error) {
        return sendRefusal(error, request, reply);
      }
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
      try {
        await verifyEmail({ ...request.body, client: clientInfoOf(request) });
        return sendPage(reply, CONFIRMED);
      } catch (error) {
        return sendRefusal(error, request, reply);
      }
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

const USED_OR_EXPIRED =
  'It was used before, or it has expired. If you have just confirmed the address, log in. Otherwise ';

/** Where the user gets another link. If the address must be confirmed before a login, that page needs no session. */
const INVALID_LINK: Readonly<Record<EmailVerification, string | null>> = {
  off: null,
  optional: `${paragraph(
    `${USED_OR_EXPIRED}sign in to the page of your account, and press “${VERIFICATION_BUTTON}” there.`,
  )}<p><a href="/account">Your account</a></p>`,
  required:
    paragraph(`${USED_OR_EXPIRED}ask for another link.`) +
    renderOffer(UNCONFIRMED_ADDRESS, MAIL_VERIFICATION),
};

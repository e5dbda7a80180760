import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../../../domain/refusal.ts';
import type { App } from '../../server/app.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { registerCookieParser } from '../../server/cookies.ts';
import { NO_SUCH_ROUTE } from '../../server/methods.ts';
import { refuseForeignChange } from '../../server/own-origin.ts';
import { createPageCookie, type PageCookie } from '../../server/page-cookie.ts';
import { prepareRefusal, sendProblem } from '../../server/problem-answers.ts';
import { type Page, paragraph } from '../layout.ts';
import { acceptsHtml, createPageSender, servePages } from '../page.ts';
import { accountChangeRoutes } from './changes.ts';
import { type AccountPageContext, type AccountPageOptions, mailsVerification } from './context.ts';
import { factorRoutes } from './factors.ts';
import { linkFormRoutes } from './link-forms.ts';
import { passkeyRoutes } from './passkeys.ts';
import { accountSessionRoutes } from './sessions.ts';
import { signInRoutes } from './sign-in.ts';
import { verificationRoutes } from './verification.ts';

const INCOMPLETE_FORM: Page = {
  title: 'This form is not complete',
  content: `${paragraph('A part of the form is missing, or is too long.')}<p><a href="/account">Back to your account</a></p>`,
};

/**
 * The pages on which users see and change their own account. Only passkeys need script. The pages are no part of the
 * API, so the OpenAPI document does not describe them. Must be registered in a scope of their own.
 */
export async function accountPages(app: App, options: AccountPageOptions): Promise<void> {
  const sendPage = createPageSender(options.serviceName);
  const cookie = createPageCookie('kinship_account', options.publicUrl, ['/', '/account']);
  await servePages(app, sendPage, INCOMPLETE_FORM);
  await registerCookieParser(app);
  app.addHook('onRequest', async (request, reply) => {
    // With `no-referrer` a browser sends `Origin: null` with the forms of these pages.
    reply.header('referrer-policy', 'same-origin');
    refuseForeignChange(request, options.publicUrl);
    refusePlantedCookie(cookie, request, reply);
  });
  const context: AccountPageContext = {
    ...options,
    sendPage,
    cookie,
    async findSession(request) {
      const secret = cookie.read(request);
      return secret === null ? null : options.findPageSession(secret, clientInfoOf(request));
    },
  };
  signInRoutes(app, context);
  accountSessionRoutes(app, context);
  accountChangeRoutes(app, context);
  linkFormRoutes(app, context);
  if (mailsVerification(options)) verificationRoutes(app, context);
  factorRoutes(app, context);
  passkeyRoutes(app, context);
}

const UNKNOWN_PAGE: Page = {
  title: 'Page not found',
  content: `${paragraph('There is no page at this address.')}<p><a href="/account">Back to your account</a></p>`,
};

/**
 * Answers a browser that opens an unknown path under `/account` with a page. Must be registered in a scope with that
 * prefix. Other clients get a problem document.
 */
export function unknownAccountPages(scope: App, serviceName: string): void {
  const sendPage = createPageSender(serviceName);
  scope.setNotFoundHandler(() => {
    throw new Refusal(...NO_SUCH_ROUTE);
  });
  scope.setErrorHandler((error, request, reply) => {
    if (!acceptsHtml(request)) return sendProblem(error, request, reply);
    prepareRefusal(error, request, reply);
    return sendPage(reply, UNKNOWN_PAGE);
  });
}

/**
 * The service cannot know which of several cookies is real. It deletes all of them, so that the user can sign in again.
 */
function refusePlantedCookie(cookie: PageCookie, request: FastifyRequest, reply: FastifyReply): void {
  try {
    cookie.read(request);
  } catch (error) {
    cookie.clear(reply);
    throw error;
  }
}

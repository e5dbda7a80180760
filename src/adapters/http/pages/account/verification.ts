import { Refusal } from '../../../../domain/refusal.ts';
import type { App } from '../../server/app.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { prepareRefusal } from '../../server/problem-answers.ts';
import { describeWait, EMPTY_FORM_SCHEMA } from '../page.ts';
import { type AccountPageContext, redirectToAccount } from './context.ts';
import { VERIFICATION_FORM } from './overview.ts';
import { sendOverview } from './sessions.ts';

/** The form that mails another link to an address that is not confirmed. */
export function verificationRoutes(app: App, context: AccountPageContext): void {
  // A browser shows this address after the form, and may open it again.
  app.get(VERIFICATION_FORM, { schema: { hide: true } }, (_request, reply) => redirectToAccount(reply));

  const { findSession, mailOwnVerification } = context;
  app.post(VERIFICATION_FORM, { schema: EMPTY_FORM_SCHEMA }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    try {
      const sentTo = await mailOwnVerification({ userId: session.userId, client: clientInfoOf(request) });
      // The address was confirmed since the page was shown.
      if (sentTo === null) return redirectToAccount(reply);
      return await sendOverview(context, session, reply, { linkMail: { sentTo } });
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'too_many_requests') throw error;
      prepareRefusal(error, request, reply);
      return sendOverview(context, session, reply, { linkMail: { error: describeLimit(error) } });
    }
  });
}

function describeLimit({ message, retryAfter }: Refusal): string {
  return retryAfter === undefined ? message : `${message} Try again in ${describeWait(retryAfter)}.`;
}

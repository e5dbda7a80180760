import { Type } from '@sinclair/typebox';
import type { FastifyReply } from 'fastify';
import type { PageSession } from '../../../../app/account-pages/find-page-session.ts';
import type { App } from '../../server/app.ts';
import { logoutEnding } from '../../server/client-info.ts';
import { closed, oneOf } from '../../server/field-schemas.ts';
import { Uuid } from '../../server/schemas.ts';
import { EMPTY_FORM_SCHEMA } from '../page.ts';
import { type AccountPageContext, mailsVerification, redirectToAccount } from './context.ts';
import { type LinkMail, overviewPage } from './overview.ts';
import { signInPage } from './views.ts';

const Cursor = Type.Object({ cursor: Type.Optional(Type.String({ maxLength: 100 })) });

/** All live sessions of most users: `SESSIONS_PER_USER` is 50 by default. */
const SESSIONS_ON_A_PAGE = 100;

/** The page shows the newest events only. `GET /auth/activity` lists all events. */
const EVENTS_ON_A_PAGE = 10;

/** The pages that list and end sessions, and the sign-out. */
export function accountSessionRoutes(app: App, context: AccountPageContext): void {
  overviewRoute(app, context);
  endRoutes(app, context);
}

function overviewRoute(app: App, context: AccountPageContext): void {
  app.get('/account/', { schema: { hide: true } }, async (_request, reply) =>
    reply.redirect('/account', 308),
  );

  const { findSession, cookie, sendPage, sendsMails } = context;
  app.get('/account', { schema: { hide: true, querystring: Cursor } }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) {
      if (cookie.isSent(request)) cookie.clear(reply);
      return sendPage(reply, signInPage({ sendsMails }, { error: null }));
    }
    return sendOverview(context, session, reply, { cursor: request.query.cursor ?? null });
  });
}

interface OverviewState {
  readonly cursor?: string | null;
  readonly linkMail?: LinkMail | null;
}

/** Sends the page of a signed-in user. */
export async function sendOverview(
  context: AccountPageContext,
  session: PageSession,
  reply: FastifyReply,
  { cursor = null, linkMail = null }: OverviewState,
): Promise<FastifyReply> {
  const { describeMe, listSessions, listFactors, listActivity, sendPage, sendsMails } = context;
  const me = await describeMe(session);
  const sessions = await listSessions(session.userId, SESSIONS_ON_A_PAGE, cursor);
  const factors = await listFactors(session.userId);
  const { items } = await listActivity(session.userId, { limit: EVENTS_ON_A_PAGE, cursor: null });
  const page = overviewPage({
    me,
    factors,
    sessions,
    isFirst: cursor === null,
    activity: items,
    sendsMails,
    mailsVerification: mailsVerification(context),
    linkMail,
  });
  return sendPage(reply, page);
}

function endRoutes(app: App, context: AccountPageContext): void {
  const { findSession, cookie, endSession, endSessions } = context;

  app.post('/account/sign-out', { schema: EMPTY_FORM_SCHEMA }, async (request, reply) => {
    const session = await findSession(request);
    if (session !== null) await endSession(session.sessionId, session.userId, logoutEnding(request));
    cookie.clear(reply);
    return redirectToAccount(reply);
  });

  const SessionForm = Type.Object({ id: Uuid }, closed);
  app.post('/account/sessions/end', { schema: { hide: true, body: SessionForm } }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    // A session that has already ended is no error: the next page does not list it.
    await endSession(request.body.id.toLowerCase(), session.userId, logoutEnding(request));
    return redirectToAccount(reply);
  });

  const ScopeForm = Type.Object({ scope: oneOf(['others', 'all']) }, closed);
  app.post(
    '/account/sessions/end-all',
    { schema: { hide: true, body: ScopeForm } },
    async (request, reply) => {
      const session = await findSession(request);
      if (session === null) return redirectToAccount(reply);
      const except = request.body.scope === 'others' ? session.sessionId : null;
      await endSessions(session.userId, except, logoutEnding(request));
      return redirectToAccount(reply);
    },
  );
}

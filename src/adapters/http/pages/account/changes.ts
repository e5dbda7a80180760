import { Type } from '@sinclair/typebox';
import { Refusal } from '../../../../domain/refusal.ts';
import type { App } from '../../server/app.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { closed } from '../../server/field-schemas.ts';
import { prepareRefusal } from '../../server/problem-answers.ts';
import { Text } from '../../server/schemas.ts';
import { FORM_LIMIT } from '../page.ts';
import { changeWithProof, PROOF_MEMBERS, sendProofPage } from './change-with-proof.ts';
import { type AccountPageContext, redirectToAccount } from './context.ts';
import { describeChangeRefusal } from './describe-refusal.ts';
import { needsPassword, needsSecondFactor } from './needed-proof.ts';
import { emailPage, LINK_MAILED, PASSWORD_CHANGED, passwordPage } from './views.ts';

/**
 * A new password of any length reaches the use case, which says what is wrong with it. The passwords are optional: the
 * proof page sends the form without them, because no page may contain a password.
 */
const PasswordForm = Type.Object(
  {
    currentPassword: Type.Optional(Text),
    newPassword: Type.Optional(Type.String({ maxLength: FORM_LIMIT })),
    ...PROOF_MEMBERS,
  },
  { ...closed, dependencies: { currentPassword: ['newPassword'], newPassword: ['currentPassword'] } },
);
const EmailForm = Type.Object({ email: Text, password: Type.Optional(Text), ...PROOF_MEMBERS }, closed);

/** The forms for another password and another address. */
export function accountChangeRoutes(app: App, context: AccountPageContext): void {
  passwordRoutes(app, context);
  if (context.sendsMails) emailRoutes(app, context);
}

const PASSWORD_FORM = { action: '/account/password', hiddenFields: {} };

function passwordRoutes(app: App, context: AccountPageContext): void {
  const { findSession, changePassword, sendPage } = context;

  app.get('/account/password', { schema: { hide: true } }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    if (!(await needsSecondFactor(context, session))) return sendPage(reply, passwordPage({ error: null }));
    return sendProofPage(context, { request, reply, session, ...PASSWORD_FORM, given: {} }, null);
  });

  app.post('/account/password', { schema: { hide: true, body: PasswordForm } }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    const { currentPassword, newPassword, ...given } = request.body;
    const form = { request, reply, session, ...PASSWORD_FORM, given };
    try {
      return await changeWithProof(context, form, async (signedIn) => {
        if (currentPassword === undefined || newPassword === undefined)
          return sendPage(reply, passwordPage({ error: null }));
        const passwords = { currentPassword, newPassword };
        await changePassword({ ...signedIn, ...passwords, client: clientInfoOf(request) });
        return sendPage(reply, PASSWORD_CHANGED);
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      prepareRefusal(error, request, reply);
      return sendPage(reply, passwordPage({ error: describeChangeRefusal(error, false) }));
    }
  });
}

function emailRoutes(app: App, context: AccountPageContext): void {
  const { findSession, describeMe, requestEmailChange, sendPage } = context;

  app.get('/account/email', { schema: { hide: true } }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    const page = emailPage(await describeMe(session), await needsPassword(context, session), { error: null });
    return sendPage(reply, page);
  });

  app.post('/account/email', { schema: { hide: true, body: EmailForm } }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    const { email, password, ...given } = request.body;
    const form = { request, reply, session, action: '/account/email', hiddenFields: { email }, given };
    try {
      return await changeWithProof(context, form, async (signedIn) => {
        await requestEmailChange({ ...signedIn, email, password, client: clientInfoOf(request) });
        return sendPage(reply, LINK_MAILED);
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      prepareRefusal(error, request, reply);
      const isPasswordAsked = await needsPassword(context, session);
      const reason =
        error.code === 'conflict' ? 'The address is taken.' : describeChangeRefusal(error, isPasswordAsked);
      const refused = { error: reason, typed: email };
      return sendPage(reply, emailPage(await describeMe(session), isPasswordAsked, refused));
    }
  });
}

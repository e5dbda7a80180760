import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageSession } from '../../../../app/account-pages/find-page-session.ts';
import { Refusal } from '../../../../domain/refusal.ts';
import type { App } from '../../server/app.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { closed } from '../../server/field-schemas.ts';
import { prepareRefusal } from '../../server/problem-answers.ts';
import { BODY_IS_OPTIONAL, Text, Uuid } from '../../server/schemas.ts';
import { changeWithProof, PROOF_MEMBERS } from './change-with-proof.ts';
import {
  type AccountPageContext,
  mailsVerification,
  redirectToAccount,
  redirectToFactors,
} from './context.ts';
import { describeChangeRefusal, describeRefusal, type Proof } from './describe-refusal.ts';
import { confirmAppPage, factorsPage, recoveryCodesPage } from './factor-views.ts';
import { needsPassword } from './needed-proof.ts';
import { VERIFICATION_BUTTON } from './overview.ts';

/** The schema of a form that adds a factor. `password` is present if the page asked for it. */
export const ADD_SCHEMA = {
  hide: true,
  [BODY_IS_OPTIONAL]: true,
  body: Type.Object({ password: Type.Optional(Text), ...PROOF_MEMBERS }, closed),
};
const CODES_SCHEMA = { hide: true, [BODY_IS_OPTIONAL]: true, body: Type.Object(PROOF_MEMBERS, closed) };
const IdForm = Type.Object({ id: Uuid, ...PROOF_MEMBERS }, closed);
const ConfirmForm = Type.Object({ id: Uuid, code: Type.String({ ...Text, maxLength: 64 }) }, closed);

/** Unlike the detail of the API, it names the button for another link. */
const UNVERIFIED =
  'Confirm the address of your account before you add a second factor: open the link in the mail. The page of your ' +
  `account has the button “${VERIFICATION_BUTTON}”.`;

/** The pages that list, add and remove second factors. */
export function factorRoutes(app: App, context: AccountPageContext): void {
  listRoute(app, context);
  totpRoutes(app, context);
  recoveryAndRemovalRoutes(app, context);
}

/** Sends the page of the factors. If `error` is a refusal, the page shows it. Every other error is thrown. */
export async function sendFactors(
  context: AccountPageContext,
  session: PageSession,
  request: FastifyRequest,
  reply: FastifyReply,
  error?: unknown,
  proof?: Proof,
): Promise<FastifyReply> {
  if (error !== undefined) {
    if (!(error instanceof Refusal)) throw error;
    prepareRefusal(error, request, reply);
  }
  const isPasswordAsked = await needsPassword(context, session);
  const isUnverified = error?.code === 'email_unverified' && mailsVerification(context);
  const refusal = isUnverified ? new Refusal('email_unverified', UNVERIFIED) : error;
  const reason = refusal === undefined ? null : describeChangeRefusal(refusal, isPasswordAsked, proof);
  const factors = await context.listFactors(session.userId);
  return context.sendPage(reply, factorsPage(factors, { asksPassword: isPasswordAsked, error: reason }));
}

/** The paths of forms. A browser shows them after a refused form, and may open them again. */
const FORMS = ['totp', 'totp/confirm', 'recovery-codes', 'remove', 'passkeys/begin', 'passkeys'];

function listRoute(app: App, context: AccountPageContext): void {
  for (const form of FORMS)
    app.get(`/account/factors/${form}`, { schema: { hide: true } }, (_request, reply) =>
      redirectToFactors(reply),
    );
  app.get('/account/factors', { schema: { hide: true } }, async (request, reply) => {
    const session = await context.findSession(request);
    return session === null ? redirectToAccount(reply) : sendFactors(context, session, request, reply);
  });
}

function totpRoutes(app: App, context: AccountPageContext): void {
  const { findSession, addTotp, confirmTotp, sendPage } = context;

  app.post('/account/factors/totp', { schema: ADD_SCHEMA }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    const { password, ...given } = request.body;
    const form = { request, reply, session, action: '/account/factors/totp', hiddenFields: {}, given };
    try {
      return await changeWithProof(context, form, async (signedIn) => {
        const input = { ...signedIn, password, client: clientInfoOf(request) };
        const { id, uri } = await addTotp({ ...input, label: 'Authenticator app' });
        return sendPage(reply, confirmAppPage(id, uri, null));
      });
    } catch (error) {
      return sendFactors(context, session, request, reply, error);
    }
  });

  const schema = { hide: true, body: ConfirmForm };
  app.post('/account/factors/totp/confirm', { schema }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    const id = request.body.id.toLowerCase();
    try {
      const code = request.body.code.replace(/\s/g, '');
      const { userId, sessionId } = session;
      await confirmTotp({ userId, sessionId, id, code, client: clientInfoOf(request) });
      return redirectToFactors(reply);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      prepareRefusal(error, request, reply);
      return sendPage(reply, confirmAppPage(id, null, describeRefusal(error)));
    }
  });
}

function recoveryAndRemovalRoutes(app: App, context: AccountPageContext): void {
  const { findSession, makeRecoveryCodes, removeFactor, sendPage } = context;

  app.post('/account/factors/recovery-codes', { schema: CODES_SCHEMA }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    const given = request.body;
    const form = {
      request,
      reply,
      session,
      action: '/account/factors/recovery-codes',
      hiddenFields: {},
      given,
    };
    try {
      return await changeWithProof(context, form, async (signedIn) => {
        const codes = await makeRecoveryCodes({ ...signedIn, client: clientInfoOf(request) });
        return sendPage(reply, recoveryCodesPage(codes));
      });
    } catch (error) {
      return sendFactors(context, session, request, reply, error);
    }
  });

  app.post('/account/factors/remove', { schema: { hide: true, body: IdForm } }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    const { id: shown, ...given } = request.body;
    const id = shown.toLowerCase();
    const form = { request, reply, session, action: '/account/factors/remove', hiddenFields: { id }, given };
    try {
      return await changeWithProof(context, form, async (signedIn) => {
        await removeFactor({ ...signedIn, id, client: clientInfoOf(request) });
        return redirectToFactors(reply);
      });
    } catch (error) {
      return sendFactors(context, session, request, reply, error);
    }
  });
}

import { Type } from '@sinclair/typebox';
import type { App } from '../../server/app.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { changeWithProof } from './change-with-proof.ts';
import { type AccountPageContext, redirectToAccount, redirectToFactors } from './context.ts';
import { Credential, readCredential } from './credential.ts';
import { newPasskeyPage } from './factor-views.ts';
import { ADD_SCHEMA, sendFactors } from './factors.ts';
import { PASSKEY_SCRIPT, PASSKEY_SCRIPT_SOURCE } from './passkey-form.ts';

const NewPasskey = Type.Object(
  {
    challenge: Type.String({ maxLength: 4_096 }),
    credential: Credential,
    label: Type.String({ maxLength: 128 }),
  },
  { additionalProperties: false },
);

/** The pages that add a passkey, in two steps: the browser needs the challenge first. */
export function passkeyRoutes(app: App, context: AccountPageContext): void {
  const { findSession, beginPasskey, addPasskey, sendPage } = context;

  app.get(PASSKEY_SCRIPT, { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(PASSKEY_SCRIPT_SOURCE),
  );

  app.post('/account/factors/passkeys/begin', { schema: ADD_SCHEMA }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    const { password, ...given } = request.body;
    const form = {
      request,
      reply,
      session,
      action: '/account/factors/passkeys/begin',
      hiddenFields: {},
      given,
    };
    try {
      return await changeWithProof(context, form, async (signedIn) => {
        const begun = await beginPasskey({ ...signedIn, password, client: clientInfoOf(request) });
        return sendPage(reply, newPasskeyPage(begun));
      });
    } catch (error) {
      return sendFactors(context, session, request, reply, error);
    }
  });

  const add = { hide: true, body: NewPasskey };
  app.post('/account/factors/passkeys', { schema: add }, async (request, reply) => {
    const session = await findSession(request);
    if (session === null) return redirectToAccount(reply);
    try {
      const { challenge, credential: given, label } = request.body;
      const credential = readCredential(given);
      const { userId, sessionId } = session;
      await addPasskey({ userId, sessionId, challenge, credential, label, client: clientInfoOf(request) });
      return redirectToFactors(reply);
    } catch (error) {
      return sendFactors(context, session, request, reply, error, 'passkey');
    }
  });
}

import { type Static, Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FactorProof } from '../../../../app/factors/verify-factor-proof.ts';
import { Refusal, SecondFactorRequired } from '../../../../domain/refusal.ts';
import type { App } from '../../server/app.ts';
import { clientInfoOf, logoutEnding } from '../../server/client-info.ts';
import { closed } from '../../server/field-schemas.ts';
import { prepareRefusal } from '../../server/problem-answers.ts';
import { Text } from '../../server/schemas.ts';
import { readTypedCode } from './change-with-proof.ts';
import { type AccountPageContext, redirectToAccount } from './context.ts';
import { Credential, readCredential } from './credential.ts';
import { describeRefusal } from './describe-refusal.ts';
import { secondStepPage, signInPage } from './views.ts';

const Credentials = Type.Object({ username: Text, password: Text }, closed);
const SecondStep = Type.Object(
  {
    challenge: Type.String({ maxLength: 4_096 }),
    code: Type.Optional(Type.String({ ...Text, maxLength: 64 })),
    credential: Type.Optional(Credential),
  },
  closed,
);

/** Sign in, in two steps if the account has a second factor. */
export function signInRoutes(app: App, context: AccountPageContext): void {
  // A browser shows these addresses after a refused form, and may open them again.
  for (const path of ['/account/sign-in', '/account/sign-in/second-factor'])
    app.get(path, { schema: { hide: true } }, (_request, reply) => redirectToAccount(reply));
  firstStepRoute(app, context);
  secondStepRoute(app, context);
}

function firstStepRoute(app: App, context: AccountPageContext): void {
  const { signInToPage, sendPage, sendsMails } = context;
  app.post('/account/sign-in', { schema: { hide: true, body: Credentials } }, async (request, reply) => {
    const { username, password } = request.body;
    try {
      const secret = await signInToPage({ username, password, client: clientInfoOf(request) });
      return await replaceSession(context, request, reply, secret);
    } catch (error) {
      if (error instanceof SecondFactorRequired) return sendPage(reply, toSecondStepPage(error));
      if (!(error instanceof Refusal)) throw error;
      prepareRefusal(error, request, reply);
      const offers = { sendsMails, isUnconfirmed: error.code === 'email_unverified' };
      return sendPage(reply, signInPage(offers, { error: describeRefusal(error), typed: username }));
    }
  });
}

function secondStepRoute(app: App, context: AccountPageContext): void {
  const { finishSignIn, sendPage } = context;
  const schema = { hide: true, body: SecondStep };
  app.post('/account/sign-in/second-factor', { schema }, async (request, reply) => {
    const { challenge, credential } = request.body;
    try {
      const secret = await finishSignIn({
        challenge,
        proof: readFactorProof(request.body),
        client: clientInfoOf(request),
      });
      return await replaceSession(context, request, reply, secret);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      prepareRefusal(error, request, reply);
      // The challenge is encrypted, so the factors are unknown here. After a refused passkey, the user begins again.
      const canType = credential === undefined;
      const reason = describeRefusal(error, canType ? 'sign_in_code' : 'passkey');
      return sendPage(reply, secondStepPage({ challenge, canType }, reason));
    }
  });
}

/** Sets the new cookie, and ends the previous session of this browser. A failed end is no failure of the sign-in. */
async function replaceSession(
  context: AccountPageContext,
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string,
): Promise<FastifyReply> {
  await endFormerSession(context, request).catch((error: unknown) => {
    request.log.error(
      { err: error },
      'the previous session of an account page could not be ended; it ends when it has been idle',
    );
  });
  context.cookie.set(reply, secret);
  return redirectToAccount(reply);
}

async function endFormerSession(
  { findSession, endSession }: AccountPageContext,
  request: FastifyRequest,
): Promise<void> {
  const former = await findSession(request);
  if (former !== null) await endSession(former.sessionId, former.userId, logoutEnding(request));
}

function toSecondStepPage({ challenge: { challenge, kinds, publicKey } }: SecondFactorRequired) {
  const canType = kinds.some((kind) => kind !== 'passkey');
  return secondStepPage({ challenge, publicKey, canType }, null);
}

function readFactorProof({ code: typed = '', credential }: Static<typeof SecondStep>): FactorProof {
  if (credential !== undefined) return { assertion: readCredential(credential) };
  return readTypedCode(typed);
}

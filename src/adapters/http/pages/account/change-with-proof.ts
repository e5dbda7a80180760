import { Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageSession } from '../../../../app/account-pages/find-page-session.ts';
import type { IdentityProof } from '../../../../app/accounts/verify-identity-proof.ts';
import { Refusal } from '../../../../domain/refusal.ts';
import type { FactorKind } from '../../../../domain/second-factor.ts';
import { clientInfoOf } from '../../server/client-info.ts';
import { prepareRefusal } from '../../server/problem-answers.ts';
import { Text } from '../../server/schemas.ts';
import type { AccountPageContext } from './context.ts';
import { Credential, readCredential } from './credential.ts';
import { describeRefusal } from './describe-refusal.ts';
import { proofPage } from './proof-page.ts';

/** The members that the proof page adds to the form of a change. */
export const PROOF_MEMBERS = {
  code: Type.Optional(Type.String({ ...Text, maxLength: 64 })),
  challenge: Type.Optional(Type.String({ maxLength: 4_096 })),
  credential: Type.Optional(Credential),
};

interface GivenProof {
  readonly code?: string;
  readonly challenge?: string;
  readonly credential?: string;
}

/** A form for a sensitive change, as the user sent it. */
export interface SensitiveForm {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly session: PageSession;
  /** The path of the form. */
  readonly action: string;
  /** The members of the form that the proof page sends again. Never a password. */
  readonly hiddenFields: Readonly<Record<string, string>>;
  readonly given: GivenProof;
}

/**
 * Runs a sensitive change. If the change needs a second factor, the answer is a page that asks for one. That page sends
 * the same form again, with the proof. So the user does not begin again. A user who types a code needs no script.
 * Every other error of `change` is thrown.
 */
export async function changeWithProof(
  context: AccountPageContext,
  form: SensitiveForm,
  change: (session: PageSession) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  try {
    const proof = readProof(form.given);
    return await change(proof === null ? form.session : await stepUp(context, form, proof));
  } catch (error) {
    if (!(error instanceof Refusal) || !(await asksProof(context, form, error))) throw error;
    prepareRefusal(error, form.request, form.reply);
    const proof = form.given.credential === undefined ? 'code' : 'passkey';
    const reason = error.code === 'step_up_required' ? null : describeRefusal(error, proof);
    return sendProofPage(context, form, reason);
  }
}

/**
 * Whether a proof page helps. The refusal must be about the proof: missing, wrong, or too many attempts. And the user
 * must have a second factor.
 */
async function asksProof(
  { listFactors }: AccountPageContext,
  { session }: SensitiveForm,
  { code, limit }: Refusal,
): Promise<boolean> {
  const isAboutProof = code === 'step_up_required' || code === 'proof_refused';
  if (!isAboutProof && limit?.name.startsWith('proof-') !== true) return false;
  return (await listFactors(session.userId)).factors.length > 0;
}

async function stepUp(
  { stepUpPageSession, cookie }: AccountPageContext,
  { request, reply, session }: SensitiveForm,
  proof: IdentityProof,
): Promise<PageSession> {
  const { sessionId, userId } = session;
  const stepped = await stepUpPageSession({ sessionId, userId, proof, client: clientInfoOf(request) });
  cookie.set(reply, stepped.secret);
  return { ...session, authentication: stepped.authentication, isRecent: true };
}

/** Sends the page that asks for a proof of the second factor. */
export async function sendProofPage(
  { listFactors, beginStepUp, sendPage }: AccountPageContext,
  { reply, session, action, hiddenFields }: SensitiveForm,
  error: string | null,
): Promise<FastifyReply> {
  const { factors, recoveryCodes } = await listFactors(session.userId);
  const has = (wanted: FactorKind) => factors.some(({ kind }) => kind === wanted);
  const asked = {
    canType: recoveryCodes > 0 || has('totp'),
    passkey: has('passkey') ? await beginStepUp() : null,
  };
  return sendPage(reply, proofPage({ action, hiddenFields }, asked, error));
}

function readProof({ code, challenge = '', credential }: GivenProof): IdentityProof | null {
  if (credential !== undefined) return { passkey: { challenge, assertion: readCredential(credential) } };
  return code === undefined ? null : readTypedCode(code);
}

/** Six digits, with or without blanks, are a code of an app. Every other text is a recovery code. */
export function readTypedCode(typed: string): { readonly code: string } | { readonly recoveryCode: string } {
  const code = typed.replace(/\s/g, '');
  return /^\d{6}$/.test(code) ? { code } : { recoveryCode: typed };
}

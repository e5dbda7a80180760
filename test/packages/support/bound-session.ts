import { VerifyError } from '../../../packages/verify/src/index.ts';
import { athOf, type ProofKey, proofKey, proofOf } from '../../support/dpop.ts';
import { logIn } from '../../support/issuing-service.ts';

type Values = NonNullable<Parameters<typeof proofOf>[4]>;

/** Opens a session that is bound to a new key. `proof` makes a proof for a request with the access token. */
export async function openBoundSession(url: string) {
  const key = proofKey();
  const session = await logIn(url, `&dpopJkt=${key.jkt}`);
  const proof = (method: string, htu: string, { payload = {}, ...values }: Values = {}, by: ProofKey = key) =>
    proofOf(by, method, htu, Date.now(), { payload: { ath: athOf(session.access), ...payload }, ...values });
  return { ...session, key, proof, authorization: `DPoP ${session.access}` };
}

/** The refusal of a request; throws if it was accepted. */
export async function refusalOf(verifying: Promise<unknown>): Promise<VerifyError> {
  const error: unknown = await verifying.then(
    () => new Error('It was accepted.'),
    (reason: unknown) => reason,
  );
  if (error instanceof VerifyError) return error;
  throw error;
}

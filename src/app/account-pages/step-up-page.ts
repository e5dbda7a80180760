import { byUser } from '../../domain/audit.ts';
import { type AuthenticationClaims, authenticationClaims } from '../../domain/authentication.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import type { Policy } from '../../domain/policy.ts';
import { stepUpOccurrence } from '../../domain/refresh-occurrences.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { PageSecrets } from '../../ports/security/page-secrets.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import type { IdentityProof, VerifyIdentityProof } from '../accounts/verify-identity-proof.ts';
import { changeEntries } from '../change-entries.ts';
import type { SessionOfUser } from '../revocation/revoke-family.ts';
import { findLiveFamily, type LiveFamilyDeps } from '../tokens/live-family.ts';
import { nextGeneration } from '../tokens/next-generation.ts';

interface Deps extends LiveFamilyDeps {
  readonly families: TokenFamilies;
  readonly pageSecrets: PageSecrets;
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
  readonly verifyProof: VerifyIdentityProof;
}

export interface StepUpPageInput extends SessionOfUser {
  readonly proof: IdentityProof;
  readonly client: ClientInfo;
}

/** A session of a page whose user was authenticated just now, and the new value of its cookie. */
export interface PageStepUp {
  readonly secret: string;
  readonly authentication: AuthenticationClaims;
}

export type StepUpPageSession = (input: StepUpPageInput) => Promise<PageStepUp>;

/**
 * Authenticates the user of a page's session again (RFC 9470). The family rotates with the proof, as in a step-up by
 * the API. The cookie gets a new value in the same transaction, so a stolen copy of the earlier value gains nothing.
 * Rejects with a {@link Refusal}: those of {@link VerifyIdentityProof}, and `unauthenticated` if the session has ended.
 *
 * @param deps `policy` is that of `pagePolicy`
 */
export const stepUpPageSession = (deps: Deps): StepUpPageSession => {
  const { families, pageSecrets, secrets, clock, newId, securityLog } = deps;

  return async ({ proof, client, ...session }) => {
    const { userId, sessionId } = session;
    const { proven, use } = await deps.verifyProof(userId, proof, client);
    const family = await findLiveFamily(deps, session);
    if (family === null) throw new Refusal('unauthenticated', 'The session has been ended.');
    const now = clock();
    const { generation, scheme } = family;
    const previous = { generation, jti: secrets.derive(scheme, family).jti };
    const input = { tokenFamily: sessionId, userId, previous, retryKey: null, client };
    const { pair: next } = await nextGeneration(deps, input, now);
    const authentication = { ...proven, authTime: now, generation: next.generation };
    const facts = { claims: { tokenFamily: sessionId, sub: userId }, client, now };
    const secret = pageSecrets.create();
    const [hashedCookie] = pageSecrets.hash(secret);
    const rotated = await families.stepUp(
      { expected: family, next, unlessRetryKey: null, authentication, proof: use, hashedCookie },
      changeEntries(newId, byUser(client), [stepUpOccurrence(facts, proven)]),
    );
    // The proof no longer holds, or another request has stepped up the same page or ended the session.
    if (rotated === null) throw new Refusal('proof_refused');
    securityLog('session_stepped_up', { userId, sessionId, address: client.address });
    return { secret, authentication: authenticationClaims(authentication) };
  };
};

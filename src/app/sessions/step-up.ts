import { byUser } from '../../domain/audit.ts';
import { stepUpOccurrence } from '../../domain/refresh-occurrences.ts';
import type { IdentityProof, VerifyIdentityProof } from '../accounts/verify-identity-proof.ts';
import { changeEntries } from '../change-entries.ts';
import type { TokenPair } from '../tokens/mint-pair.ts';
import { beginExchange, decideFromRow, type ExchangeDeps, rotationOf } from './exchange.ts';
import type { RefreshInput } from './verify-refresh.ts';

export interface StepUpInput extends RefreshInput {
  readonly proof: IdentityProof;
}

export type StepUp = (input: StepUpInput) => Promise<TokenPair>;

/**
 * Exchanges a token pair for its successor, whose `auth_time` is the present time (RFC 9470). It is a refresh with an
 * identity proof. The proof is verified only if the verdict is `rotate`. So a retry needs no proof, and a wrong proof
 * does not hide reuse. A refused proof rotates nothing.
 *
 * Rejects with a {@link Refusal}: those of a refresh, and those of {@link VerifyIdentityProof}.
 */
export const stepUp =
  (deps: ExchangeDeps & { readonly verifyProof: VerifyIdentityProof }): StepUp =>
  async ({ proof, ...input }) => {
    const { families, newId, securityLog } = deps;
    const request = await beginExchange(deps, 'step_up', input);
    return decideFromRow(deps, request, {
      rotate: async (verdict, context) => {
        const { proven, use } = await deps.verifyProof(verdict.family.userId, proof, input.client);
        const rotation = rotationOf(verdict, context, request);
        const { generation, rotatedAt: authTime } = rotation.next;
        const occurrences = [...verdict.occurrences, stepUpOccurrence(context, proven)];
        return families.stepUp(
          { ...rotation, authentication: { ...proven, authTime, generation }, proof: use },
          changeEntries(newId, byUser(input.client), occurrences),
        );
      },
      onRotated: ({ userId, tokenFamily: sessionId }) =>
        securityLog('session_stepped_up', { userId, sessionId, address: input.client.address }),
    });
  };

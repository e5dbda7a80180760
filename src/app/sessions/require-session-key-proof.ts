import { byUser } from '../../domain/audit.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import { DpopRefusal, type PresentedDpopProof } from '../../domain/dpop.ts';
import { dpopRefusedOccurrence } from '../../domain/refresh-occurrences.ts';
import { hasBindingOf } from '../../domain/token-family.ts';
import type { RefreshClaims } from '../../domain/token-pair.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { changeEntries } from '../change-entries.ts';
import { findLiveFamily, type LiveFamilyDeps } from '../tokens/live-family.ts';
import { type DpopProofDeps, dpopRefusal, requireDpopProof } from '../tokens/require-dpop-proof.ts';

export interface BindingProofDeps extends DpopProofDeps, LiveFamilyDeps {
  readonly families: Pick<TokenFamilies, 'find' | 'record'>;
  readonly newId: NewId;
}

/**
 * Row 2b of docs/domain.md: the refresh token of a bound session needs a proof of the session's key. With the refresh
 * token of an unbound session a proof is refused, because only a login binds a session. Otherwise a thief could bind
 * the session to their own key.
 */
export async function requireSessionKeyProof(
  deps: BindingProofDeps,
  claims: RefreshClaims,
  presented: PresentedDpopProof,
  client: ClientInfo,
): Promise<void> {
  if (claims.cnf === undefined) {
    if (presented.proof !== null) throw dpopRefusal(deps, 'unbound');
    return;
  }
  try {
    await requireDpopProof(deps, presented, { jkt: claims.cnf.jkt, accessToken: null });
  } catch (error) {
    if (error instanceof DpopRefusal) await recordUnprovenKey(deps, claims, error.fault, client);
    throw error;
  }
}

/** Records a missing proof, or a proof of another key: another party may have the token. Other faults are ignored. */
async function recordUnprovenKey(
  deps: BindingProofDeps,
  claims: RefreshClaims,
  reason: DpopRefusal['fault'],
  client: ClientInfo,
): Promise<void> {
  if (reason !== 'missing' && reason !== 'other_key') return;
  const { tokenFamily: sessionId, sub: userId } = claims;
  const family = await findLiveFamily(deps, { sessionId, userId });
  if (family === null || !hasBindingOf(family, claims)) return;
  const occurrence = dpopRefusedOccurrence({ claims, client, now: deps.clock() }, reason);
  await deps.families.record(sessionId, changeEntries(deps.newId, byUser(client), [occurrence]));
}

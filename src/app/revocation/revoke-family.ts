import type { Occurrence } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { SecurityFacts, SecurityLog } from '../../ports/security-log.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { rememberEnded } from './remember-ended.ts';

export interface RevokeFamilyDeps {
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

/** Revokes a family and records why; false if it does not exist or is already revoked. */
export async function revokeFamily(
  { families, revoked, policy, newId, securityLog }: RevokeFamilyDeps,
  tokenFamily: string,
  revocation: { readonly at: number; readonly reason: RevocationReason },
  occurrences: readonly Occurrence[],
  subject: Pick<SecurityFacts, 'userId' | 'address'>,
): Promise<boolean> {
  const ended = await families.revoke(tokenFamily, revocation, outboxEntries(newId, occurrences));
  if (!ended) return false;
  securityLog('session_ended', { sessionId: tokenFamily, reason: revocation.reason, ...subject });
  rememberEnded({ revoked, policy }, [tokenFamily], revocation);
  return true;
}

import type { ChangeOrigin } from '../../domain/audit.ts';
import type { Occurrence } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { changeEntries } from '../change-entries.ts';
import { rememberEnded } from './remember-ended.ts';

export interface RevokeFamilyDeps {
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

/** A session and its user. */
export interface SessionOfUser {
  readonly sessionId: string;
  readonly userId: string;
}

/** Why a session ends, and who ends it. */
export interface Ending {
  readonly reason: RevocationReason;
  readonly origin: ChangeOrigin;
}

/** Revokes a family and records the occurrences. False if the family does not exist or is already revoked. */
export async function revokeFamily(
  { families, revoked, policy, newId, securityLog }: RevokeFamilyDeps,
  { sessionId, userId }: SessionOfUser,
  { at, reason, origin }: Ending & { readonly at: number },
  occurrences: readonly Occurrence[],
): Promise<boolean> {
  const revocation = { at, reason };
  const ended = await families.revoke(sessionId, revocation, changeEntries(newId, origin, occurrences));
  if (!ended) return false;
  securityLog('session_ended', { sessionId, reason, userId, address: ipAddressOfOrigin(origin) });
  rememberEnded({ revoked, policy }, [sessionId], revocation);
  return true;
}

/** The address for a line of the security log. */
export function ipAddressOfOrigin({ address }: ChangeOrigin): string | undefined {
  return address ?? undefined;
}

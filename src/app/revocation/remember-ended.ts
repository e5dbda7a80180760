import type { Policy } from '../../domain/policy.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { SecurityFacts, SecurityLog } from '../../ports/security-log.ts';

interface Deps {
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
}

interface Revocation {
  readonly at: number;
  readonly reason: RevocationReason;
}

/** Remembers committed revocations until the last access tokens of these sessions have expired. */
export function rememberEnded(
  { revoked, policy }: Deps,
  sessions: readonly string[],
  { at, reason }: Revocation,
): void {
  const lastAccessTokenExpires = at + policy.accessTokenAge + policy.clockSkew;
  for (const session of sessions) revoked.remember(session, reason, lastAccessTokenExpires);
}

/** Remembers and logs the sessions that ended together with another change, such as a new password. */
export function reportEnded(
  deps: Deps & { readonly securityLog: SecurityLog },
  sessions: readonly string[],
  revocation: Revocation,
  who: Pick<SecurityFacts, 'userId' | 'address'>,
): void {
  const { reason } = revocation;
  if (sessions.length > 0) deps.securityLog('sessions_ended', { ...who, reason, count: sessions.length });
  rememberEnded(deps, sessions, revocation);
}

import type { Policy } from '../../domain/policy.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';

/** Remembers revocations that have committed, for as long as an access token of theirs can live. */
export function rememberEnded(
  { revoked, policy }: { readonly revoked: RevokedFamilies; readonly policy: Policy },
  sessions: readonly string[],
  { at, reason }: { readonly at: number; readonly reason: RevocationReason },
): void {
  const lastAccessTokenExpires = at + policy.accessTokenAge + policy.clockSkew;
  for (const session of sessions) revoked.remember(session, reason, lastAccessTokenExpires);
}

import type { Authentication } from './authentication.ts';
import type { Occurrence } from './events.ts';
import { inSameNetwork } from './network.ts';
import { clientFault } from './oauth-client.ts';
import type { Policy } from './policy.ts';
import type { RefreshContext } from './refresh-context.ts';
import {
  addressChangeOccurrence,
  changeOccurrences,
  healingOccurrence,
  newNetworkOccurrences,
  reuseOccurrence,
  revocationOccurrence,
} from './refresh-occurrences.ts';
import type { RefusalCode } from './refusal.ts';
import type { RevocationReason } from './revocation.ts';
import { hasBindingOf, type TokenFamily } from './token-family.ts';
import { isPaired } from './token-pair.ts';
import { isSameProduct } from './user-agent.ts';

/** The columns of a family that the verdict depends on. */
export type JudgedFamily = Pick<
  TokenFamily,
  | 'userId'
  | 'paired'
  | 'clientId'
  | 'confidential'
  | 'jkt'
  | 'onAddressChange'
  | 'onUserAgentChange'
  | 'generation'
  | 'hashedRefreshTokenId'
  | 'hashedPreviousTokenId'
  | 'retryKeyHash'
  | 'address'
  | 'userAgent'
  | 'productHash'
  | 'rotatedAt'
  | 'expiresAt'
  | 'revoked'
> & { readonly authentication: Pick<Authentication, 'generation'> };

/**
 * The decision about a refresh: rotate or heal the family, reissue its current pair, refuse, or revoke the family. The
 * occurrences are recorded together with the change, or alone if the family does not change. The table in
 * docs/domain.md lists the verdict of each situation.
 */
export type Verdict<Family> =
  | {
      readonly kind: 'rotate';
      readonly family: Family;
      /** Whether the rotation heals the family: the database had lost acknowledged rotations. */
      readonly heals: boolean;
      readonly occurrences: readonly Occurrence[];
    }
  | { readonly kind: 'reissue'; readonly family: Family; readonly occurrences: readonly Occurrence[] }
  | {
      readonly kind: 'refuse';
      readonly code: RefusalCode;
      /** The detail of the refusal, where the code's default sentence is too general. */
      readonly detail?: string;
      readonly occurrences: readonly Occurrence[];
    }
  | {
      readonly kind: 'revoke';
      readonly family: Family;
      readonly code: RefusalCode;
      readonly reason: RevocationReason;
      readonly occurrences: readonly Occurrence[];
    };

/** The operator's settings that a verdict depends on. */
type VerdictPolicy = Pick<Policy, 'retryWindow' | 'clockSkew'>;

/**
 * Decides what a refresh does, given the family's row or the row that the caller expects. The order of the checks
 * matters. A token that is replayed from another network must revoke the family, so reuse is judged before the network.
 */
export function judgeRefresh<Family extends JudgedFamily>(
  family: Family | null,
  context: RefreshContext,
  policy: VerdictPolicy,
): Verdict<Family> {
  if (family === null || family.userId !== context.claims.sub) return refuse('session_not_found');
  // A stolen refresh signing key must not forge an unpaired token for a paired session.
  if (family.paired !== isPaired(context.claims)) return refuse('invalid_token');
  if (!hasBindingOf(family, context.claims)) return refuse('invalid_token');
  const fault = clientFault(family, context.oauthClient);
  // Checked before any change: a client that may not use the session may not end it either.
  if (fault !== null) return { kind: 'refuse', ...fault, occurrences: [] };
  if (family.revoked !== null) {
    return refuse(codeOfRevoked(family.revoked.reason, isCurrent(family, context)));
  }
  if (context.now >= family.expiresAt) return refuse('session_expired');
  if (context.knownRevocation !== null) {
    const code = codeOfRevoked(context.knownRevocation, false);
    return revoke(
      family,
      code,
      context.knownRevocation,
      revocationOccurrence(context, context.knownRevocation),
    );
  }
  if (isRetry(family, context, policy)) return judgeRetry(family, context);
  if (isReuse(family, context, policy)) {
    return revoke(family, 'token_reused', 'reuse', reuseOccurrence(context, family.generation));
  }
  return judgeBlockedChange(family, context) ?? judgeRotation(family, context);
}

/** The verdict on a change of product (row 11) or network (row 12) that the family's policy blocks; otherwise null. */
function judgeBlockedChange<Family extends JudgedFamily>(
  family: Family,
  context: RefreshContext,
): Verdict<Family> | null {
  if (isUserAgentChangeBlocked(family, context)) {
    const reason = 'user_agent_changed';
    return revoke(family, reason, reason, revocationOccurrence(context, reason));
  }
  if (isNetworkChangeBlocked(family, context)) {
    return refuse('address_changed', [addressChangeOccurrence(context, true)]);
  }
  return null;
}

/** A retry gets the same pair from any network or product, unless the family's policy blocks that change. */
function judgeRetry<Family extends JudgedFamily>(family: Family, context: RefreshContext): Verdict<Family> {
  const blocked = judgeBlockedChange(family, context);
  if (blocked !== null) return blocked;
  const isOtherNetwork = !inSameNetwork(context.client.address, family.address);
  return {
    kind: 'reissue',
    family,
    occurrences: isOtherNetwork ? newNetworkOccurrences(context, family) : [],
  };
}

/** Decides about a current token (row 13) or a later token that heals the family (row 14). */
function judgeRotation<Family extends JudgedFamily>(
  family: Family,
  context: RefreshContext,
): Verdict<Family> {
  const occurrences = changeOccurrences(context, family);
  if (context.claims.generation > family.generation) {
    return {
      kind: 'rotate',
      family,
      heals: true,
      occurrences: [...occurrences, healingOccurrence(context, family.generation)],
    };
  }
  const { retryKeyHash } = context;
  if (retryKeyHash !== null && retryKeyHash === family.retryKeyHash) return refuse('idempotency_key_reused');
  return { kind: 'rotate', family, heals: false, occurrences };
}

function isCurrent(family: JudgedFamily, { claims, hashedTokenId }: RefreshContext): boolean {
  return claims.generation === family.generation && hashedTokenId === family.hashedRefreshTokenId;
}

/**
 * Whether this request repeats the last rotation: by its operation and `Idempotency-Key`, or within the retry window.
 * The window needs the same network and user agent. It applies neither to a step-up nor to the pair of a step-up. Only
 * the client that proved its user's identity may get that pair.
 */
function isRetry(family: JudgedFamily, context: RefreshContext, policy: VerdictPolicy): boolean {
  const { operation, claims, hashedTokenId, retryKeyHash, client, now } = context;
  if (claims.generation !== family.generation - 1 || hashedTokenId !== family.hashedPreviousTokenId)
    return false;
  if (retryKeyHash !== null && retryKeyHash === family.retryKeyHash) return true;
  const wasSteppedUp = family.authentication.generation === family.generation;
  if (policy.retryWindow === 0 || operation === 'step_up' || wasSteppedUp) return false;
  const elapsed = now - family.rotatedAt;
  return (
    elapsed >= -policy.clockSkew &&
    elapsed <= policy.retryWindow + policy.clockSkew &&
    inSameNetwork(client.address, family.address) &&
    client.userAgent === family.userAgent
  );
}

/**
 * Whether the token is reused: an earlier generation, another hash than the row's, or a later generation that row 14
 * does not accept. A later generation that was minted after the row's last rotation, allowing for clock skew, is no
 * reuse: the database lost acknowledged rotations.
 */
function isReuse(family: JudgedFamily, context: RefreshContext, { clockSkew }: VerdictPolicy): boolean {
  const { generation, iat } = context.claims;
  if (generation === family.generation) return context.hashedTokenId !== family.hashedRefreshTokenId;
  if (generation < family.generation) return true;
  return iat < Math.floor((family.rotatedAt - clockSkew) / 1000);
}

function isUserAgentChangeBlocked(family: JudgedFamily, { client }: RefreshContext): boolean {
  return family.onUserAgentChange === 'block' && !isSameProduct(client, family);
}

function isNetworkChangeBlocked(family: JudgedFamily, { claims, client }: RefreshContext): boolean {
  return family.onAddressChange === 'block' && !inSameNetwork(client.address, claims.userIp);
}

/**
 * After a reuse revocation a token that is known to be current gets `session_revoked`, every other `token_reused`. A
 * session that ended because its user was disabled gets `account_disabled`.
 */
function codeOfRevoked(reason: RevocationReason, current: boolean): RefusalCode {
  if (reason === 'disabled') return 'account_disabled';
  return reason === 'reuse' && !current ? 'token_reused' : 'session_revoked';
}

function refuse(code: RefusalCode, occurrences: readonly Occurrence[] = []): Verdict<never> {
  return { kind: 'refuse', code, occurrences };
}

function revoke<Family extends JudgedFamily>(
  family: Family,
  code: RefusalCode,
  reason: RevocationReason,
  occurrence: Occurrence,
): Verdict<Family> {
  return { kind: 'revoke', family, code, reason, occurrences: [occurrence] };
}

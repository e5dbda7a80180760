import type { ClientInfo, Occurrence } from './events.ts';
import { inSameNetwork } from './network.ts';
import { clientFault, type OAuthClient } from './oauth-client.ts';
import type { Policy } from './policy.ts';
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
import type { TokenFamily } from './token-family.ts';
import { isPaired, type RefreshClaims } from './token-pair.ts';
import { isSameProduct } from './user-agent.ts';

/** A verified refresh token and the client that presents it. Hashes are made under the scheme of the family's row. */
export interface Presented {
  readonly claims: RefreshClaims;
  /** Keyed hash of the jti. */
  readonly hash: string;
  /** Keyed hash of the request's `Idempotency-Key`, null without one. */
  readonly retryKeyHash: string | null;
  readonly client: ClientInfo;
  /** The client that the request names or authenticates as; null if it does neither. */
  readonly oauthClient: OAuthClient | null;
}

/** The columns of a family that the verdict depends on. */
export type JudgedFamily = Pick<
  TokenFamily,
  | 'userId'
  | 'paired'
  | 'clientId'
  | 'confidential'
  | 'onAddressChange'
  | 'onUserAgentChange'
  | 'generation'
  | 'hashedRefreshTokenId'
  | 'previousHash'
  | 'retryKeyHash'
  | 'address'
  | 'userAgent'
  | 'productHash'
  | 'rotatedAt'
  | 'expiresAt'
  | 'revoked'
>;

/**
 * The decision about a refresh: rotate or heal the family, repeat its current pair, refuse, or revoke the family.
 * The occurrences in `occurrences` are recorded together with the change, or alone where the family does not change.
 * docs/domain.md lists the verdict of each situation.
 */
export type Verdict<Family> =
  | { readonly kind: 'rotate'; readonly family: Family; readonly occurrences: readonly Occurrence[] }
  | { readonly kind: 'repeat'; readonly family: Family; readonly occurrences: readonly Occurrence[] }
  | {
      readonly kind: 'refuse';
      readonly code: RefusalCode;
      /** The text for the client, where the code's default sentence is too general. */
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

/** The inputs of a verdict that come from this replica, not from the row. */
export interface Circumstances {
  readonly policy: Pick<Policy, 'retryWindow' | 'clockSkew'>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The revocation that this replica remembers, or null. The row may have lost that revocation in a fail-over. */
  readonly remembered: RevocationReason | null;
}

/**
 * Decides about a refresh from the family's row. The order of the checks matters: a token that is replayed from
 * another network must revoke the family, so reuse is judged before the address.
 */
export function judgeRefresh<Family extends JudgedFamily>(
  family: Family | null,
  presented: Presented,
  around: Circumstances,
): Verdict<Family> {
  const scene = { ...presented, now: around.now };

  if (family === null || family.userId !== presented.claims.sub) return refuse('session_not_found');
  // A stolen signing key must not turn a paired session into an unpaired one.
  if (family.paired !== isPaired(presented.claims)) return refuse('invalid_token');
  const fault = clientFault(family, presented.oauthClient);
  // Checked before any change: a client that may not use the session may not end it either.
  if (fault !== null) return { kind: 'refuse', ...fault, occurrences: [] };
  if (family.revoked !== null) {
    return refuse(codeOfEnded(family.revoked.reason, isCurrent(family, presented)));
  }
  if (around.now >= family.expiresAt) return refuse('session_expired');
  if (around.remembered !== null) {
    const code = codeOfEnded(around.remembered, false);
    return revoke(family, code, around.remembered, revocationOccurrence(scene, around.remembered));
  }
  if (isRetry(family, presented, around)) return judgeRetry(family, presented, around);
  if (isReuse(family, presented, around)) {
    return revoke(family, 'token_reused', 'reuse', reuseOccurrence(scene, family.generation));
  }
  if (isAgentBlocked(family, presented)) {
    return revoke(
      family,
      'user_agent_changed',
      'user_agent_changed',
      revocationOccurrence(scene, 'user_agent_changed'),
    );
  }
  if (isAddressBlocked(family, presented))
    return refuse('address_changed', [addressChangeOccurrence(scene, true)]);
  return judgeSuccession(family, presented, around);
}

/** A retry gets the same pair from any network or product, unless the family's policy blocks that change. */
function judgeRetry<Family extends JudgedFamily>(
  family: Family,
  presented: Presented,
  { now }: Circumstances,
): Verdict<Family> {
  const scene = { ...presented, now };
  if (isAgentBlocked(family, presented)) {
    return revoke(
      family,
      'user_agent_changed',
      'user_agent_changed',
      revocationOccurrence(scene, 'user_agent_changed'),
    );
  }
  if (isAddressBlocked(family, presented))
    return refuse('address_changed', [addressChangeOccurrence(scene, true)]);
  const elsewhere = !inSameNetwork(presented.client.address, family.address);
  return { kind: 'repeat', family, occurrences: elsewhere ? newNetworkOccurrences(scene, family) : [] };
}

/** Decides about a current token (row 13) or a later one that heals the family (row 14). */
function judgeSuccession<Family extends JudgedFamily>(
  family: Family,
  presented: Presented,
  { now }: Circumstances,
): Verdict<Family> {
  const scene = { ...presented, now };
  const occurrences = changeOccurrences(scene, family);
  if (presented.claims.generation > family.generation) {
    return {
      kind: 'rotate',
      family,
      occurrences: [...occurrences, healingOccurrence(scene, family.generation)],
    };
  }
  const { retryKeyHash } = presented;
  if (retryKeyHash !== null && retryKeyHash === family.retryKeyHash) return refuse('idempotency_key_reused');
  return { kind: 'rotate', family, occurrences };
}

function isCurrent(family: JudgedFamily, { claims, hash }: Presented): boolean {
  return claims.generation === family.generation && hash === family.hashedRefreshTokenId;
}

/** Whether the client that made the last rotation repeats it, because its answer was lost. */
function isRetry(family: JudgedFamily, presented: Presented, { policy, now }: Circumstances): boolean {
  const { claims, hash, retryKeyHash, client } = presented;
  if (claims.generation !== family.generation - 1 || hash !== family.previousHash) return false;
  if (retryKeyHash !== null && retryKeyHash === family.retryKeyHash) return true;
  if (policy.retryWindow === 0) return false;
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
 * does not accept. A later generation that was minted after the row's last rotation is no reuse: the database lost
 * acknowledged rotations.
 */
function isReuse(family: JudgedFamily, presented: Presented, { policy }: Circumstances): boolean {
  const { generation, iat } = presented.claims;
  if (generation === family.generation) return presented.hash !== family.hashedRefreshTokenId;
  if (generation < family.generation) return true;
  return iat < Math.floor((family.rotatedAt - policy.clockSkew) / 1000);
}

function isAgentBlocked(family: JudgedFamily, { client }: Presented): boolean {
  return family.onUserAgentChange === 'block' && !isSameProduct(client, family);
}

function isAddressBlocked(family: JudgedFamily, { claims, client }: Presented): boolean {
  return family.onAddressChange === 'block' && !inSameNetwork(client.address, claims.userIp);
}

/** After a reuse revocation the current token gets `session_revoked`, every other token `token_reused`. */
function codeOfEnded(reason: RevocationReason, current: boolean): RefusalCode {
  return reason === 'reuse' && !current ? 'token_reused' : 'session_revoked';
}

function refuse(code: RefusalCode, occurrences: readonly Occurrence[] = []): Verdict<never> {
  return { kind: 'refuse', code, occurrences };
}

function revoke<Family extends JudgedFamily>(
  family: Family,
  code: RefusalCode,
  reason: RevocationReason,
  told: Occurrence,
): Verdict<Family> {
  return { kind: 'revoke', family, code, reason, occurrences: [told] };
}

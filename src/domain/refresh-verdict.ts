import type { Client, Occurrence } from './events.ts';
import { inSameNetwork } from './network.ts';
import { clientFault, type OAuthClient } from './oauth-client.ts';
import type { Policy } from './policy.ts';
import {
  addressChanged,
  addressToTell,
  changesToTell,
  healed,
  reuseDetected,
  revoked,
} from './refresh-occurrences.ts';
import type { RefusalCode } from './refusal.ts';
import type { RevocationReason } from './revocation.ts';
import type { TokenFamily } from './token-family.ts';
import { isPaired, type RefreshClaims } from './token-pair.ts';
import { isSameProduct } from './user-agent.ts';

/** A verified refresh token together with who brings it. Hashes are made under the scheme of the row at hand. */
export interface Presented {
  readonly claims: RefreshClaims;
  /** Keyed hash of the jti. */
  readonly hash: string;
  /** Keyed hash of the request's `Idempotency-Key`, null without one. */
  readonly retryKeyHash: string | null;
  readonly client: Client;
  /** The client that the request names or authenticates as; null if it does neither. */
  readonly oauthClient: OAuthClient | null;
}

/** What of a row the verdict needs. */
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
 * What to do with a refresh: rotate the family (or heal it), mint its current pair once more, refuse, or revoke the
 * family. `tell` is recorded together with that change, or alone where nothing else changes. The rows of
 * docs/domain.md say which verdict a situation gets.
 */
export type Verdict<Family> =
  | { readonly kind: 'rotate'; readonly family: Family; readonly tell: readonly Occurrence[] }
  | { readonly kind: 'repeat'; readonly family: Family; readonly tell: readonly Occurrence[] }
  | {
      readonly kind: 'refuse';
      readonly code: RefusalCode;
      /** What to tell the client, where the code's own sentence says too little. */
      readonly detail?: string;
      readonly tell: readonly Occurrence[];
    }
  | {
      readonly kind: 'revoke';
      readonly family: Family;
      readonly code: RefusalCode;
      readonly reason: RevocationReason;
      readonly tell: readonly Occurrence[];
    };

/** What this replica knows beside the row. */
export interface Circumstances {
  readonly policy: Pick<Policy, 'retryWindow' | 'clockSkew'>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Why this replica saw the family revoked, if it did: the row may have lost it in a fail-over. */
  readonly remembered: RevocationReason | null;
}

/**
 * Decides a refresh on the row as it was found. The order of the questions matters: a stolen token replayed from
 * elsewhere must end the family, not merely be turned away, so reuse is judged before the change of address.
 */
export function judgeRefresh<Family extends JudgedFamily>(
  family: Family | null,
  presented: Presented,
  around: Circumstances,
): Verdict<Family> {
  const scene = { ...presented, now: around.now };

  if (family === null || family.userId !== presented.claims.sub) return refuse('session_not_found');
  // Whoever got hold of the signing key cannot take the other half out of a token.
  if (family.paired !== isPaired(presented.claims)) return refuse('invalid_token');
  const fault = clientFault(family, presented.oauthClient);
  // Before everything that changes the session: a client that may not use it cannot end it either.
  if (fault !== null) return { kind: 'refuse', ...fault, tell: [] };
  if (family.revoked !== null) {
    return refuse(codeOfEnded(family.revoked.reason, isCurrent(family, presented)));
  }
  if (around.now >= family.expiresAt) return refuse('session_expired');
  if (around.remembered !== null) {
    const code = codeOfEnded(around.remembered, false);
    return revoke(family, code, around.remembered, revoked(scene, around.remembered));
  }
  if (isRetry(family, presented, around)) return judgeRetry(family, presented, around);
  if (isReuse(family, presented, around)) {
    return revoke(family, 'token_reused', 'reuse', reuseDetected(scene, family.generation));
  }
  if (isAgentBlocked(family, presented)) {
    return revoke(family, 'user_agent_changed', 'user_agent_changed', revoked(scene, 'user_agent_changed'));
  }
  if (isAddressBlocked(family, presented)) return refuse('address_changed', [addressChanged(scene, true)]);
  return judgeSuccession(family, presented, around);
}

/** A retry gets the same pair wherever it comes from, unless a policy binds the session to its network or product. */
function judgeRetry<Family extends JudgedFamily>(
  family: Family,
  presented: Presented,
  { now }: Circumstances,
): Verdict<Family> {
  const scene = { ...presented, now };
  if (isAgentBlocked(family, presented)) {
    return revoke(family, 'user_agent_changed', 'user_agent_changed', revoked(scene, 'user_agent_changed'));
  }
  if (isAddressBlocked(family, presented)) return refuse('address_changed', [addressChanged(scene, true)]);
  const elsewhere = !inSameNetwork(presented.client.address, family.address);
  return { kind: 'repeat', family, tell: elsewhere ? addressToTell(scene, family) : [] };
}

/** Current, or later and to be healed: the last question before the next pair. */
function judgeSuccession<Family extends JudgedFamily>(
  family: Family,
  presented: Presented,
  { now }: Circumstances,
): Verdict<Family> {
  const scene = { ...presented, now };
  const tell = changesToTell(scene, family);
  if (presented.claims.generation > family.generation) {
    return { kind: 'rotate', family, tell: [...tell, healed(scene, family.generation)] };
  }
  const { retryKeyHash } = presented;
  if (retryKeyHash !== null && retryKeyHash === family.retryKeyHash) return refuse('idempotency_key_reused');
  return { kind: 'rotate', family, tell };
}

function isCurrent(family: JudgedFamily, { claims, hash }: Presented): boolean {
  return claims.generation === family.generation && hash === family.hashedRefreshTokenId;
}

/** The token that was rotated last comes back from the client that rotated it: its answer was lost. */
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
 * Earlier generations, a current one that is not ours, and later ones that the row cannot have lost. A later one
 * that was minted after the row's last rotation is honest: the database lost what it had acknowledged.
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

/** Who holds a token of an ended family learns that it was reuse, but for the one whose token was still good. */
function codeOfEnded(reason: RevocationReason, current: boolean): RefusalCode {
  return reason === 'reuse' && !current ? 'token_reused' : 'session_revoked';
}

function refuse(code: RefusalCode, tell: readonly Occurrence[] = []): Verdict<never> {
  return { kind: 'refuse', code, tell };
}

function revoke<Family extends JudgedFamily>(
  family: Family,
  code: RefusalCode,
  reason: RevocationReason,
  told: Occurrence,
): Verdict<Family> {
  return { kind: 'revoke', family, code, reason, tell: [told] };
}

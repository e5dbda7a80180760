import type { Client, DomainEvent, Occurrence } from './events.ts';
import { networkOf } from './network.ts';
import type { Policy } from './policy.ts';
import type { RefusalCode } from './refusal.ts';
import type { RevocationReason } from './revocation.ts';
import { type TokenFamily, toldSubject } from './token-family.ts';
import type { RefreshClaims } from './token-pair.ts';
import { productOf } from './user-agent.ts';

/** A verified refresh token together with who brings it. Hashes are made under the scheme of the row at hand. */
export interface Presented {
  readonly claims: RefreshClaims;
  /** Keyed hash of the jti. */
  readonly hash: string;
  /** Keyed hash of the request's `Idempotency-Key`, null without one. */
  readonly retryKeyHash: string | null;
  readonly client: Client;
}

/** What of a row the verdict needs. */
export type JudgedFamily = Pick<
  TokenFamily,
  | 'userId'
  | 'onAddressChange'
  | 'onUserAgentChange'
  | 'generation'
  | 'hashedRefreshTokenId'
  | 'previousHash'
  | 'retryKeyHash'
  | 'address'
  | 'userAgent'
  | 'rotatedAt'
  | 'expiresAt'
  | 'revoked'
>;

/**
 * What to do with a refresh: rotate the family (or heal it), mint its current pair once more, say no, or end it.
 * `tell` is recorded together with the deed, or alone where nothing else changes.
 */
export type Verdict<Family> =
  | { readonly kind: 'rotate'; readonly family: Family; readonly tell: readonly Occurrence[] }
  | { readonly kind: 'repeat'; readonly family: Family; readonly tell: readonly Occurrence[] }
  | Refused;

type Refused =
  | { readonly kind: 'refuse'; readonly code: RefusalCode; readonly tell: readonly Occurrence[] }
  | {
      readonly kind: 'revoke';
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
  if (family === null || family.userId !== presented.claims.sub) return refuse('session_not_found');
  if (family.revoked !== null)
    return refuse(codeOfEnded(family.revoked.reason, isCurrent(family, presented)));
  if (around.now >= family.expiresAt) return refuse('session_expired');
  if (around.remembered !== null) return revokeAgain(around.remembered, presented, around);
  if (isRetry(family, presented, around)) return judgeRetry(family, presented, around);
  if (isReuse(family, presented, around)) return revokeForReuse(family, presented, around);
  if (isAgentBlocked(family, presented)) return revokeForAgent(presented, around);
  if (isAddressBlocked(family, presented)) {
    return refuse('address_changed', tellOfAddress(presented, around, true));
  }
  return judgeSuccession(family, presented, around);
}

/** Current, or later and to be healed: the last question before the next pair. */
function judgeSuccession<Family extends JudgedFamily>(
  family: Family,
  presented: Presented,
  around: Circumstances,
): Verdict<Family> {
  const tell = [...tellOfChanges(family, presented, around)];
  if (presented.claims.generation > family.generation) tell.push(healed(family, presented, around));
  else if (presented.retryKeyHash !== null && presented.retryKeyHash === family.retryKeyHash) {
    return refuse('idempotency_key_reused');
  }
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
    client.address === family.address &&
    client.userAgent === family.userAgent
  );
}

/** A retry gets the same pair wherever it comes from, unless the session is bound to its address. */
function judgeRetry<Family extends JudgedFamily>(
  family: Family,
  presented: Presented,
  around: Circumstances,
): Verdict<Family> {
  if (isAddressBlocked(family, presented)) {
    return refuse('address_changed', tellOfAddress(presented, around, true));
  }
  const moved = presented.client.address !== family.address && family.onAddressChange === 'notify';
  return { kind: 'repeat', family, tell: moved ? tellOfAddress(presented, around, false) : [] };
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

function agentChanged(family: JudgedFamily, { client }: Presented): boolean {
  return productOf(client.userAgent) !== productOf(family.userAgent);
}

function isAgentBlocked(family: JudgedFamily, presented: Presented): boolean {
  return family.onUserAgentChange === 'block' && agentChanged(family, presented);
}

function isAddressBlocked(family: JudgedFamily, { claims, client }: Presented): boolean {
  return family.onAddressChange === 'block' && client.address !== claims.userIp;
}

/** Who holds a token of an ended family learns that it was reuse, but for the one whose token was still good. */
function codeOfEnded(reason: RevocationReason, current: boolean): RefusalCode {
  return reason === 'reuse' && !current ? 'token_reused' : 'session_revoked';
}

function refuse(code: RefusalCode, tell: readonly Occurrence[] = []): Refused {
  return { kind: 'refuse', code, tell };
}

function revokeAgain(reason: RevocationReason, presented: Presented, { now }: Circumstances): Refused {
  return {
    kind: 'revoke',
    code: codeOfEnded(reason, false),
    reason,
    tell: [{ event: { type: 'sessions.revoked', occurredAt: now, data: { ...session(presented), reason } } }],
  };
}

function revokeForReuse(family: JudgedFamily, presented: Presented, { now }: Circumstances): Refused {
  const event: DomainEvent = {
    type: 'sessions.reuse_detected',
    occurredAt: now,
    data: {
      ...session(presented),
      ...presented.client,
      generation: presented.claims.generation,
      currentGeneration: family.generation,
    },
  };
  return { kind: 'revoke', code: 'token_reused', reason: 'reuse', tell: [{ event }] };
}

function revokeForAgent(presented: Presented, { now }: Circumstances): Refused {
  const reason = 'user_agent_changed';
  const event: DomainEvent = {
    type: 'sessions.revoked',
    occurredAt: now,
    data: { ...session(presented), ...presented.client, reason },
  };
  return { kind: 'revoke', code: reason, reason, tell: [{ event }] };
}

function tellOfChanges(
  family: JudgedFamily,
  presented: Presented,
  around: Circumstances,
): readonly Occurrence[] {
  const tell: Occurrence[] = [];
  const { claims, client } = presented;
  if (family.onAddressChange === 'notify' && networkOf(client.address) !== networkOf(claims.userIp)) {
    tell.push(...tellOfAddress(presented, around, false));
  }
  if (family.onUserAgentChange === 'notify' && agentChanged(family, presented)) {
    tell.push(tellOfAgent(family, presented, around));
  }
  return tell;
}

function tellOfAddress(
  presented: Presented,
  { now }: Circumstances,
  blocked: boolean,
): readonly Occurrence[] {
  const { claims, client } = presented;
  const event: DomainEvent = {
    type: 'sessions.address_changed',
    occurredAt: now,
    data: { ...session(presented), ...client, previousAddress: claims.userIp, blocked },
  };
  return [{ event, oncePerDay: toldSubject.network(client.address) }];
}

function tellOfAgent(family: JudgedFamily, presented: Presented, { now }: Circumstances): Occurrence {
  const event: DomainEvent = {
    type: 'sessions.user_agent_changed',
    occurredAt: now,
    data: { ...session(presented), ...presented.client, previousUserAgent: family.userAgent },
  };
  return { event, oncePerDay: toldSubject.product(presented.client.userAgent) };
}

function healed(family: JudgedFamily, presented: Presented, { now }: Circumstances): Occurrence {
  const event: DomainEvent = {
    type: 'sessions.healed',
    occurredAt: now,
    data: {
      ...session(presented),
      ...presented.client,
      storedGeneration: family.generation,
      presentedGeneration: presented.claims.generation,
    },
  };
  return { event };
}

function session({ claims }: Presented) {
  return { sessionId: claims.tokenFamily, userId: claims.sub };
}

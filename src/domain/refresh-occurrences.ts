import type { ProvenAuthentication } from './authentication.ts';
import { clientFacts } from './client-info.ts';
import type { Occurrence } from './events.ts';
import { inSameNetwork } from './network.ts';
import type { RefreshContext } from './refresh-context.ts';
import type { RevocationReason } from './revocation.ts';
import { notificationSubject, type TokenFamily } from './token-family.ts';
import { isSameProduct } from './user-agent.ts';

/** What the events of a refresh are made from. */
type Facts = Pick<RefreshContext, 'claims' | 'client' | 'now'>;

export function reuseOccurrence(facts: Facts, currentGeneration: number): Occurrence {
  const { generation } = facts.claims;
  const data = { ...sessionIds(facts), ...clientFacts(facts.client), generation, currentGeneration };
  const event = { type: 'sessions.reuse_detected', occurredAt: facts.now, data } as const;
  return { event, details: presentedToken(facts) };
}

export function revocationOccurrence(facts: Facts, reason: RevocationReason): Occurrence {
  const data = { ...sessionIds(facts), ...clientFacts(facts.client), reason };
  return { event: { type: 'sessions.revoked', occurredAt: facts.now, data } };
}

/**
 * A request for a bound session had no proof, or a proof of another key. The user is notified at most once a day for
 * each session.
 */
export function dpopRefusedOccurrence(facts: Facts, reason: 'missing' | 'other_key'): Occurrence {
  const data = { ...sessionIds(facts), ...clientFacts(facts.client), reason };
  return {
    event: { type: 'sessions.dpop_refused', occurredAt: facts.now, data },
    oncePerDay: notificationSubject.foreignKey,
  };
}

export function healingOccurrence(facts: Facts, storedGeneration: number): Occurrence {
  const presentedGeneration = facts.claims.generation;
  const data = { ...sessionIds(facts), ...clientFacts(facts.client), storedGeneration, presentedGeneration };
  const event = { type: 'sessions.healed', occurredAt: facts.now, data } as const;
  return { event, details: presentedToken(facts) };
}

/** What is known of the session and the client of a step-up. */
interface StepUpFacts extends Pick<Facts, 'client' | 'now'> {
  readonly claims: Pick<Facts['claims'], 'tokenFamily' | 'sub'>;
}

export function stepUpOccurrence(facts: StepUpFacts, { amr, acr }: ProvenAuthentication): Occurrence {
  const data = { ...sessionIds(facts), ...clientFacts(facts.client), amr, acr };
  return { event: { type: 'sessions.stepped_up', occurredAt: facts.now, data } };
}

/**
 * The user is notified of each network at most once a day for each session, even if the policy blocks the change.
 */
export function addressChangeOccurrence(facts: Facts, blocked: boolean): Occurrence {
  const data = {
    ...sessionIds(facts),
    ...clientFacts(facts.client),
    previousAddress: facts.claims.userIp,
    blocked,
  };
  return {
    event: { type: 'sessions.address_changed', occurredAt: facts.now, data },
    oncePerDay: notificationSubject.network(facts.client.address),
    details: presentedToken(facts),
  };
}

/**
 * The occurrence of a new network. Empty if the network is that of the token, or if the family's policy is not
 * `notify`.
 */
export function newNetworkOccurrences(
  facts: Facts,
  { onAddressChange }: Pick<TokenFamily, 'onAddressChange'>,
): Occurrence[] {
  const moved = !inSameNetwork(facts.client.address, facts.claims.userIp);
  return onAddressChange === 'notify' && moved ? [addressChangeOccurrence(facts, false)] : [];
}

/**
 * The occurrences of a rotation from another network or with another product. The audit log gets each of them, because
 * a rotation happens once. A refusal or a retry can be repeated at will, so it is recorded once a day.
 */
export function changeOccurrences(
  facts: Facts,
  family: Pick<TokenFamily, 'onAddressChange' | 'onUserAgentChange' | 'userAgent' | 'productHash'>,
): Occurrence[] {
  const otherAgent = !isSameProduct(facts.client, family);
  const occurrences = [
    ...newNetworkOccurrences(facts, family),
    ...(family.onUserAgentChange === 'notify' && otherAgent
      ? [userAgentChangeOccurrence(facts, family.userAgent)]
      : []),
  ];
  return occurrences.map((occurrence) => ({ ...occurrence, auditEach: true }));
}

function userAgentChangeOccurrence(facts: Facts, previousUserAgent: string): Occurrence {
  const data = { ...sessionIds(facts), ...clientFacts(facts.client), previousUserAgent };
  return {
    event: { type: 'sessions.user_agent_changed', occurredAt: facts.now, data },
    oncePerDay: notificationSubject.product(facts.client),
  };
}

function sessionIds({ claims }: Pick<StepUpFacts, 'claims'>) {
  return { sessionId: claims.tokenFamily, userId: claims.sub };
}

/** The token of the request, for the audit log: `iat` in seconds, as in the token. */
function presentedToken({ claims }: Facts) {
  return { presentedGeneration: claims.generation, presentedIat: claims.iat };
}

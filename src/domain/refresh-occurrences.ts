import { type ClientInfo, clientFacts, type Occurrence } from './events.ts';
import { inSameNetwork } from './network.ts';
import type { RevocationReason } from './revocation.ts';
import { notifiedSubject, type TokenFamily } from './token-family.ts';
import type { RefreshClaims } from './token-pair.ts';
import { isSameProduct } from './user-agent.ts';

/** The facts of a refresh that its events carry: the session, the client, the time in milliseconds. */
export interface Scene {
  readonly claims: RefreshClaims;
  readonly client: ClientInfo;
  readonly now: number;
}

export function reuseOccurrence(scene: Scene, currentGeneration: number): Occurrence {
  const { generation } = scene.claims;
  const data = { ...session(scene), ...clientFacts(scene.client), generation, currentGeneration };
  return { event: { type: 'sessions.reuse_detected', occurredAt: scene.now, data } };
}

export function revocationOccurrence(scene: Scene, reason: RevocationReason): Occurrence {
  const data = { ...session(scene), ...clientFacts(scene.client), reason };
  return { event: { type: 'sessions.revoked', occurredAt: scene.now, data } };
}

export function healingOccurrence(scene: Scene, storedGeneration: number): Occurrence {
  const presentedGeneration = scene.claims.generation;
  const data = { ...session(scene), ...clientFacts(scene.client), storedGeneration, presentedGeneration };
  return { event: { type: 'sessions.healed', occurredAt: scene.now, data } };
}

/** Notifies the user of each network at most once a day, whether the session is bound to its address or not. */
export function addressChangeOccurrence(scene: Scene, blocked: boolean): Occurrence {
  const data = {
    ...session(scene),
    ...clientFacts(scene.client),
    previousAddress: scene.claims.userIp,
    blocked,
  };
  return {
    event: { type: 'sessions.address_changed', occurredAt: scene.now, data },
    oncePerDay: notifiedSubject.network(scene.client.address),
  };
}

/** The occurrence of a new network; empty where the network is the one that the token was minted for. */
export function newNetworkOccurrences(
  scene: Scene,
  { onAddressChange }: Pick<TokenFamily, 'onAddressChange'>,
): Occurrence[] {
  const moved = !inSameNetwork(scene.client.address, scene.claims.userIp);
  return onAddressChange === 'notify' && moved ? [addressChangeOccurrence(scene, false)] : [];
}

/** The occurrences of a rotation from another network or with another product. */
export function changeOccurrences(
  scene: Scene,
  family: Pick<TokenFamily, 'onAddressChange' | 'onUserAgentChange' | 'userAgent' | 'productHash'>,
): Occurrence[] {
  const otherAgent = !isSameProduct(scene.client, family);
  return [
    ...newNetworkOccurrences(scene, family),
    ...(family.onUserAgentChange === 'notify' && otherAgent
      ? [userAgentChangeOccurrence(scene, family.userAgent)]
      : []),
  ];
}

function userAgentChangeOccurrence(scene: Scene, previousUserAgent: string): Occurrence {
  const data = { ...session(scene), ...clientFacts(scene.client), previousUserAgent };
  return {
    event: { type: 'sessions.user_agent_changed', occurredAt: scene.now, data },
    oncePerDay: notifiedSubject.product(scene.client),
  };
}

function session({ claims }: Scene) {
  return { sessionId: claims.tokenFamily, userId: claims.sub };
}

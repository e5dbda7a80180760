import { type Client, clientFacts, type Occurrence } from './events.ts';
import { inSameNetwork } from './network.ts';
import type { RevocationReason } from './revocation.ts';
import { type TokenFamily, toldSubject } from './token-family.ts';
import type { RefreshClaims } from './token-pair.ts';
import { isSameProduct } from './user-agent.ts';

/** The facts of a refresh that its events carry: the session, the client, the time in milliseconds. */
export interface Scene {
  readonly claims: RefreshClaims;
  readonly client: Client;
  readonly now: number;
}

export function reuseDetected(scene: Scene, currentGeneration: number): Occurrence {
  const { generation } = scene.claims;
  const data = { ...session(scene), ...clientFacts(scene.client), generation, currentGeneration };
  return { event: { type: 'sessions.reuse_detected', occurredAt: scene.now, data } };
}

export function revoked(scene: Scene, reason: RevocationReason): Occurrence {
  const data = { ...session(scene), ...clientFacts(scene.client), reason };
  return { event: { type: 'sessions.revoked', occurredAt: scene.now, data } };
}

export function healed(scene: Scene, storedGeneration: number): Occurrence {
  const presentedGeneration = scene.claims.generation;
  const data = { ...session(scene), ...clientFacts(scene.client), storedGeneration, presentedGeneration };
  return { event: { type: 'sessions.healed', occurredAt: scene.now, data } };
}

/** Notifies the user of each network at most once a day, whether the session is bound to its address or not. */
export function addressChanged(scene: Scene, blocked: boolean): Occurrence {
  const data = {
    ...session(scene),
    ...clientFacts(scene.client),
    previousAddress: scene.claims.userIp,
    blocked,
  };
  return {
    event: { type: 'sessions.address_changed', occurredAt: scene.now, data },
    oncePerDay: toldSubject.network(scene.client.address),
  };
}

/** The occurrence of a new network; empty where the network is the one that the token was minted for. */
export function addressToTell(
  scene: Scene,
  { onAddressChange }: Pick<TokenFamily, 'onAddressChange'>,
): Occurrence[] {
  const moved = !inSameNetwork(scene.client.address, scene.claims.userIp);
  return onAddressChange === 'notify' && moved ? [addressChanged(scene, false)] : [];
}

/** The occurrences of a rotation from another network or with another product. */
export function changesToTell(
  scene: Scene,
  family: Pick<TokenFamily, 'onAddressChange' | 'onUserAgentChange' | 'userAgent' | 'productHash'>,
): Occurrence[] {
  const otherAgent = !isSameProduct(scene.client, family);
  return [
    ...addressToTell(scene, family),
    ...(family.onUserAgentChange === 'notify' && otherAgent
      ? [userAgentChanged(scene, family.userAgent)]
      : []),
  ];
}

function userAgentChanged(scene: Scene, previousUserAgent: string): Occurrence {
  const data = { ...session(scene), ...clientFacts(scene.client), previousUserAgent };
  return {
    event: { type: 'sessions.user_agent_changed', occurredAt: scene.now, data },
    oncePerDay: toldSubject.product(scene.client),
  };
}

function session({ claims }: Scene) {
  return { sessionId: claims.tokenFamily, userId: claims.sub };
}

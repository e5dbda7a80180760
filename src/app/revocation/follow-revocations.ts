import type { Limits } from '../../domain/limits.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { FollowedRevokedFamilies, RevokedFamily } from '../../ports/revoked-families.ts';

interface Deps {
  readonly revoked: FollowedRevokedFamilies;
  readonly policy: Pick<Policy, 'accessTokenAge' | 'clockSkew'>;
  readonly limits: Pick<Limits, 'revocationConsumers'>;
}

/** A session that was ended before its expiry. */
export interface EndedSession {
  readonly sid: string;
  /** Milliseconds since the epoch, by the clock of the revoking replica. */
  readonly revokedAt: number;
}

/** Both methods are called synchronously and must not throw. */
export interface RevocationConsumer {
  onEnded(session: EndedSession): void;
  /** This replica may miss revocations from now on. The consumer is no longer called. */
  onIncomplete(): void;
}

export interface RevocationSubscription {
  /**
   * The sessions that ended within the last `accessTokenAge` and clock skew together. A session that ends during the
   * iteration is part of it.
   */
  readonly ended: Iterator<EndedSession>;
  /** Milliseconds: the longest life of an access token. */
  readonly accessTokenAge: number;
  stop(): void;
}

export type FollowRevocations = (consumer: RevocationConsumer) => Promise<RevocationSubscription>;

/**
 * Calls the consumer for each session that any replica ends, until `stop`. Rejects with a {@link Refusal} `unavailable`
 * if this replica's list is incomplete, or if it has the maximum number of consumers.
 */
export function followRevocations({ revoked, policy, limits }: Deps): FollowRevocations {
  const { accessTokenAge, clockSkew } = policy;
  const toEnded = ({ tokenFamily, until }: RevokedFamily): EndedSession => ({
    sid: tokenFamily,
    revokedAt: until - accessTokenAge - clockSkew,
  });

  return async ({ onEnded, onIncomplete }) => {
    if (!revoked.isComplete())
      throw new Refusal('unavailable', 'This replica does not know all ended sessions at the moment.');
    if (revoked.followers() >= limits.revocationConsumers)
      throw new Refusal(
        'unavailable',
        'This replica has as many consumers of revocations as REVOCATIONS_CONSUMERS permits.',
      );
    const stop = revoked.follow({ onRevoked: (family) => onEnded(toEnded(family)), onIncomplete });
    return { ended: toSessions(), accessTokenAge, stop };
  };

  function* toSessions(): Generator<EndedSession> {
    for (const family of revoked.families()) yield toEnded(family);
  }
}

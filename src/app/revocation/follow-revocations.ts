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
  /** This replica may miss revocations from now on. The listener is no longer called. */
  onIncomplete(): void;
}

export interface Following {
  /** The sessions that ended within {@link accessTokenAge} and the clock skew. Includes those that end meanwhile. */
  readonly ended: Iterator<EndedSession>;
  /** Milliseconds: the longest life of an access token. */
  readonly accessTokenAge: number;
  stop(): void;
}

export type FollowRevocations = ReturnType<typeof followRevocations>;

/**
 * Calls the listener for each session that any replica ends, until `stop`. Rejects with `unavailable` while this
 * replica's list is incomplete, and if it has as many listeners as it may have.
 */
export function followRevocations({ revoked, policy, limits }: Deps) {
  const { accessTokenAge, clockSkew } = policy;
  const toEnded = ({ tokenFamily, until }: RevokedFamily): EndedSession => ({
    sid: tokenFamily,
    revokedAt: until - accessTokenAge - clockSkew,
  });

  return async ({ onEnded, onIncomplete }: RevocationConsumer): Promise<Following> => {
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

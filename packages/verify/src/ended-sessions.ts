import type { JWTPayload } from 'jose';
import { invalidToken, unavailable } from './errors.js';
import { isActive } from './introspect.js';
import { followRevocations } from './revocations.js';
import type { Session } from './session.js';

export interface StreamOptions {
  /** A service key with the scope `verify`, and with `whenLost: 'introspect'` also the scope `introspect`. */
  readonly serviceKey: string;
  /**
   * What to do with a valid token while the stream is lost. `accept`: sessions live on until `exp`. `introspect`: ask
   * the service for each request. `refuse`: answer 503.
   */
  readonly whenLost: 'accept' | 'introspect' | 'refuse';
  /**
   * Milliseconds after the last byte until the stream counts as lost. Default 30,000. The service sends a byte at least
   * every 15 seconds.
   */
  readonly lostAfter?: number;
  /**
   * The maximum number of ended sessions in memory. With more, the stream counts as lost. Default 1,000,000, in
   * 42 MB, and for a moment in 84 MB.
   */
  readonly maxSessions?: number;
  /** Called with each failure of the stream, and of introspection. The verifier keeps reconnecting. */
  readonly onError?: (error: unknown) => void;
}

/** The sessions that have ended, as the stream of the service reports them. */
export interface EndedSessions {
  /** Throws `session_ended`, or `unavailable` if that is not known and `whenLost` is not `accept`. */
  assertLive(token: string, session: Session): Promise<void>;
  readonly ready: Promise<void>;
  close(): void;
}

/** Follows the stream until `close`. `urlOf` returns the URL of a path of the service. */
export function followEndedSessions(
  { serviceKey, whenLost, lostAfter = 30_000, maxSessions = 1_000_000, onError = () => {} }: StreamOptions,
  urlOf: (path: string) => URL,
  fetch: typeof globalThis.fetch,
): EndedSessions {
  // An unset variable often causes an empty key. The service would refuse the key, and the stream would stay lost.
  if (!serviceKey)
    throw new TypeError(
      'revocations.serviceKey is missing: set it to the secret of a service key with the scope verify.',
    );
  const report = (error: unknown) => {
    try {
      onError(error);
    } catch (failure) {
      // A refusal must not depend on the logger of the application.
      console.error('@kinship/verify: the function onError threw:', failure);
    }
  };
  const list = followRevocations({
    url: urlOf('/revocations'),
    serviceKey,
    maxSessions,
    onError: report,
    fetch,
  });
  return {
    async assertLive(token, { sessionId, claims }) {
      if (list.hasEnded(sessionId)) throw sessionEnded();
      if (list.covers(lifeOf(claims)) && list.staleFor() <= lostAfter) return;
      if (whenLost === 'accept') return;
      if (whenLost === 'refuse')
        throw unavailable('It is not known at the moment which sessions have ended.');
      const url = urlOf('/oauth/introspect');
      if (!(await isActive(token, { url, serviceKey, fetch, onError: report }))) throw sessionEnded();
    },
    ready: list.ready,
    close: () => list.close(),
  };
}

/** Seconds. A token from before a reduction of `ACCESS_TOKEN_AGE` may live longer than the list covers. */
function lifeOf({ iat, exp }: JWTPayload): number {
  return (exp ?? Number.POSITIVE_INFINITY) - (iat ?? 0);
}

const sessionEnded = () => invalidToken('session_ended', 'The session has ended.');

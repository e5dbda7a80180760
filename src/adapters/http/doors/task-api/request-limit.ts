import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { LimitRequests } from '../../../../app/limit-requests.ts';
import { MINUTE } from '../../../../domain/durations.ts';
import { networkOf } from '../../../../domain/network.ts';
import { Refusal } from '../../../../domain/refusal.ts';
import type { App } from '../../server/app.ts';
import { ipAddressOf } from '../../server/client-info.ts';
import { count } from '../../server/field-schemas.ts';
import { logSecurityEvent } from '../../server/log-security-event.ts';

export interface RequestLimitOptions {
  readonly limitRequests: LimitRequests;
  /** Requests per minute. */
  readonly rateLimit: number;
}

/** Rate-limit headers of these routes. `/docs` explains the names. */
export const rateLimitHeaders = {
  'RateLimit-Limit': count(),
  'RateLimit-Remaining': count(),
  'RateLimit-Reset': count(),
};

/**
 * Limits the requests to all routes that are registered later: per user, or per network if the user is
 * unknown.
 */
export async function registerRequestLimit(app: App, { limitRequests, rateLimit: max }: RequestLimitOptions) {
  await app.register(rateLimit, {
    max,
    timeWindow: MINUTE,
    enableDraftSpec: true,
    keyGenerator: limitKey,
    store: createLimitStore(limitRequests),
    errorResponseBuilder: (request, { ttl }) => {
      logSecurityEvent(request, 'limit_reached', { limit: 'requests', userId: request.principal?.userId });
      return new Refusal('too_many_requests', 'Too many requests. Try again later.', {
        retryAfter: Math.ceil(ttl / 1000),
        limit: { name: 'requests', count: max, perMilliseconds: MINUTE },
      });
    },
  });
}

function limitKey(request: FastifyRequest): string {
  const { principal } = request;
  return principal === null ? `from ${networkOf(ipAddressOf(request))}` : `of ${principal.userId}`;
}

/**
 * Replaces the plugin's own stores. They count in fixed windows, so a client can send twice the limit within one
 * minute. When Redis is down, they allow everything or nothing. The plugin creates its store with `new`.
 */
function createLimitStore(limitRequests: RequestLimitOptions['limitRequests']) {
  return class Store {
    incr(
      key: string,
      done: (error: Error | null, result?: { current: number; ttl: number }) => void,
      perMilliseconds: number,
      count: number,
    ): void {
      limitRequests(key, { count, perMilliseconds }).then(
        ({ allowed, remaining, retryAfter }) =>
          allowed
            ? done(null, { current: count - remaining, ttl: perMilliseconds })
            : done(null, { current: count + 1, ttl: retryAfter * 1000 }),
        done,
      );
    }

    child(): Store {
      return this;
    }
  };
}

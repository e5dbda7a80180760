import { Refusal } from '../../../domain/refusal.ts';

/** Seconds in `Retry-After` of a 503 whose refusal states no time. */
const RETRY_AFTER = 1;

/**
 * Headers of a refusal that say when to retry: `Retry-After`, and for a limit the fields of
 * draft-ietf-httpapi-ratelimit-headers-11. The fields of earlier drafts (`RateLimit-Limit`, `-Remaining`,
 * `-Reset`) cannot say which of several limits applies.
 */
export function retryFields(error: unknown, status: number): Record<string, string> {
  const { retryAfter = status === 503 ? RETRY_AFTER : undefined, limit = undefined } =
    error instanceof Refusal ? error : {};
  if (retryAfter === undefined) return {};
  const fields = { 'retry-after': String(retryAfter) };
  if (limit === undefined) return fields;
  const window = Math.ceil(limit.perMilliseconds / 1000);
  return {
    ...fields,
    'ratelimit-policy': `"${limit.name}";q=${limit.count};w=${window}`,
    ratelimit: `"${limit.name}";r=0;t=${retryAfter}`,
  };
}

import { Refusal } from '../../../domain/refusal.ts';

/** Seconds after which a client may try again where nothing better is known. */
const RETRY_AFTER = 1;

/**
 * What a client that was turned away is told of when to come again: `Retry-After`, and of a limit the fields of
 * draft-ietf-httpapi-ratelimit-headers-11. The names of earlier drafts (`RateLimit-Limit`, `-Remaining`, `-Reset`)
 * have no room for which of several limits it is.
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

import { SessionError } from './errors.js';
import { parseJson, type StoredPair } from './stored-pair.js';
import type { Schemas } from './types.js';

/**
 * Posts JSON to a path of the service, and returns the pair of the answer. The answer to a logout has no pair. Rejects
 * with a {@link SessionError}.
 */
export type PostToService = (
  path: string,
  body: object,
  headers?: Record<string, string>,
) => Promise<StoredPair>;

export function createRequester(url: string, fetch: typeof globalThis.fetch, timeout: number): PostToService {
  const base = url.replace(/\/$/, '');
  return async (path, body, headers) => {
    const at = Date.now();
    const [response, text] = await fetch(base + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeout),
    })
      // A truncated answer counts as no answer: the outcome of the request is unknown.
      .then(async (response) => [response, await response.text()] as const)
      .catch((cause: unknown) => {
        throw new SessionError('unreachable', 'No answer.', { recovery: 'retry', cause });
      });
    const answer = Object(parseJson(text));
    const { access, refresh, expiresIn } = answer;
    // Only the path of a logout has a query. Any other successful answer comes from the network, such as the page of a
    // captive portal, and counts as an outage, whatever it says.
    if (response.ok && (path.includes('?') ? response.status === 204 : access && refresh && expiresIn >= 0))
      return { access, refresh, expiresIn, at };
    throw refusal(response, response.ok ? {} : answer);
  };
}

function refusal({ status, headers }: Response, problem: Partial<Schemas['Problem']>): SessionError {
  const { code = 'unexpected_answer', detail = `Status ${status}.` } = problem;
  const isTransient = status < 300 || status > 499 || status === 408 || status === 429;
  return new SessionError(code, detail, {
    recovery: problem.recovery ?? (isTransient ? 'retry' : 'none'),
    status,
    retryAfter: Number(headers.get('retry-after')) || 0,
  });
}

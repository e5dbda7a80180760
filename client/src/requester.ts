import { SessionError } from './errors.js';
import { parseJson, type StoredPair } from './stored-pair.js';
import type { Schemas, TokenPair } from './types.js';

/**
 * Posts JSON to a path of the service. Returns the JSON of the answer, or undefined if the answer is not JSON. Rejects
 * with a {@link SessionError}.
 */
export type PostToService = (
  path: string,
  body: object,
  headers?: Record<string, string>,
) => Promise<unknown>;

export function createRequester(url: string, fetch: typeof globalThis.fetch, timeout: number): PostToService {
  const base = url.replace(/\/$/, '');
  return async (path, body, headers) => {
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
    const answer = parseJson(text);
    if (response.ok) return answer;
    throw refusal(response, Object(answer));
  };
}

/** Requests a pair. A 200 without a pair comes from the network, such as a captive portal, and counts as an outage. */
export async function requestPair(
  ask: PostToService,
  ...question: Parameters<PostToService>
): Promise<StoredPair> {
  const at = Date.now();
  const { access, refresh, expiresIn } = Object(await ask(...question)) as Partial<TokenPair>;
  if (!access || !refresh || expiresIn === undefined)
    throw new SessionError('unexpected_answer', 'No pair.', { recovery: 'retry' });
  return { access, refresh, expiresIn, at };
}

function refusal({ status, headers }: Response, problem: Partial<Schemas['Problem']>): SessionError {
  const { code = 'unexpected_answer', detail = `Status ${status}.` } = problem;
  const isTransient = status > 499 || status === 429 || status === 408;
  return new SessionError(code, detail, {
    recovery: problem.recovery ?? (isTransient ? 'retry' : 'none'),
    status,
    retryAfter: Number(headers.get('retry-after')) || 0,
  });
}

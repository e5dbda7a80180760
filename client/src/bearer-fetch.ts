import type { SessionClient } from './types.js';

type Fetch = SessionClient['fetch'];

/**
 * A `fetch` that sends the access token to `origins` only. `stepUp` authenticates the user again and returns the
 * next access token. If it returns null, the refusal is the answer.
 */
export function createBearerFetch(
  origins: readonly string[],
  token: SessionClient['token'],
  fetch: typeof globalThis.fetch,
  stepUp: (challenge: string) => Promise<string | null | undefined>,
): Fetch {
  return async (input, init = {}) => {
    let request = new Request(input, init);
    if (!origins.includes(new URL(request.url).origin)) return fetch(request);
    const { signal } = request;
    let access: string | null | undefined = await unlessAborted(signal, token());
    for (let last = 0; access; ) {
      request.headers.set('authorization', `Bearer ${access}`);
      const answer = await fetch(request);
      const challenge = answer.headers.get('www-authenticate') ?? '';
      const remedy = await nextStepAfter(answer, challenge);
      if (remedy <= last || 'duplex' in init) return answer;
      last = remedy;
      try {
        request = new Request(input, init);
      } catch {
        return answer; // a stream can be read once, and the body of every `Request` is a stream
      }
      access = await unlessAborted(signal, remedy > 1 ? stepUp(challenge) : token(access));
      if (!access) return answer;
      await answer.body?.cancel();
    }
    return fetch(request);
  };
}

/**
 * The next step after a refusal. 1: a refresh. 2: a step-up. 0: none, because the refusal is not about the token, such
 * as a 401 for a wrong password. Each step is tried once, in this order.
 */
async function nextStepAfter(answer: Response, challenge: string): Promise<number> {
  if (answer.status !== 401) return 0;
  if (challenge.includes('insufficient_user')) return 2;
  return (await answer.clone().text()).includes('"invalid_credentials"') ? 0 : 1;
}

/** An aborted caller does not wait for the token. The refresh continues for the other callers. */
function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject);
  });
}

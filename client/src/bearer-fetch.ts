import type { SessionClient } from './types.js';

type Fetch = SessionClient['fetch'];

/** A `fetch` that sends the access token to these origins only. */
export function bearerFetch(
  origins: readonly string[],
  token: SessionClient['token'],
  fetch: typeof globalThis.fetch,
): Fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    if (!origins.includes(new URL(request.url).origin)) return fetch(request);
    const access = await unlessAborted(request.signal, token());
    const answer = await fetch(withBearer(request, access));
    if (!access || !canRepeat(input, init) || !(await isForTheToken(answer))) return answer;
    const next = await unlessAborted(request.signal, token(access));
    if (!next) return answer;
    await answer.body?.cancel();
    return fetch(withBearer(new Request(input, init), next));
  };
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

function withBearer(request: Request, access: string | null): Request {
  if (access) request.headers.set('authorization', `Bearer ${access}`);
  return request;
}

/** A stream can be read once only. The body of every `Request` is a stream. */
function canRepeat(input: string | URL | Request, init: RequestInit = {}): boolean {
  return !(input instanceof Request && input.bodyUsed) && !('duplex' in init);
}

/** A 401 for a wrong password does not mean that the token is bad. */
async function isForTheToken(answer: Response): Promise<boolean> {
  if (answer.status !== 401) return false;
  const { code } = Object(
    await answer
      .clone()
      .json()
      .catch(() => null),
  ) as { code?: unknown };
  return code !== 'invalid_credentials';
}

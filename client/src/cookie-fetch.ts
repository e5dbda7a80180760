import { parseJson } from './stored-pair.js';

type Fetch = typeof globalThis.fetch;

const TRANSPORT = { 'x-session-transport': 'cookie' };
const MARK = 'cookie-';

/** Stands for a token that only the browser knows. Each pair of cookies has marks of its own. */
export function makeMark(): string {
  return MARK + crypto.getRandomValues(new Uint32Array(4)).join('-');
}

/**
 * A `fetch` for a client whose tokens are in cookies. It takes marks out of requests and puts marks into answers, in the
 * places where the client has tokens. `logIn` is added to the body of a login.
 */
export function createCookieFetch(send: Fetch, logIn: object): Fetch {
  return async (input, init) => {
    if (!(input instanceof Request)) return sendOwn(String(input), init ?? {});
    if (!input.headers.get('authorization')?.startsWith(`Bearer ${MARK}`)) return send(input);
    const headers = new Headers(input.headers);
    headers.delete('authorization');
    for (const [name, value] of Object.entries(TRANSPORT)) headers.set(name, value);
    return send(new Request(input, { headers, credentials: 'include' }));
  };

  /** Sends a request of the client itself: a URL, and a body of JSON with marks. */
  async function sendOwn(url: string, init: RequestInit): Promise<Response> {
    const { refreshToken, accessToken, ...body } = Object(parseJson(String(init.body)));
    const answer = await send(url, {
      ...init,
      credentials: 'include',
      headers: { ...(init.headers as Record<string, string>), ...TRANSPORT },
      body: JSON.stringify({ ...body, ...(url.endsWith('/auth/login') && logIn) }),
    });
    const { expiresIn, code } = Object(parseJson(await answer.clone().text()));
    if (answer.ok && expiresIn !== undefined) return pairOfMarks(expiresIn);
    // The cookies of the lost answer had arrived. When they expire is not known, so the next call refreshes.
    if (code === 'idempotency_key_reused') return pairOfMarks(0);
    return answer;
  }
}

function pairOfMarks(expiresIn: number): Response {
  return new Response(JSON.stringify({ access: makeMark(), refresh: makeMark(), expiresIn }));
}

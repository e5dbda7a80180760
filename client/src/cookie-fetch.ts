import { parseJson } from './stored-pair.js';

type Fetch = typeof globalThis.fetch;

const TRANSPORT = { 'x-session-transport': 'cookie' };
const PLACEHOLDER = 'cookie-';

/** Makes a placeholder for a token that only the browser knows. Each pair of cookies has its own placeholders. */
export function makePlaceholder(): string {
  return PLACEHOLDER + crypto.getRandomValues(new Uint32Array(4)).join('-');
}

/**
 * A `fetch` for a client whose tokens are in cookies. The client has placeholders instead of tokens: requests are sent
 * without them, and answers get new ones. The members of `logIn` are added to the body of a login.
 */
export function createCookieFetch(send: Fetch, logIn: object): Fetch {
  return async (input, init) => {
    if (!(input instanceof Request)) return sendOwn(String(input), init ?? {});
    if (!input.headers.get('authorization')?.startsWith(`Bearer ${PLACEHOLDER}`)) return send(input);
    const headers = new Headers(input.headers);
    headers.delete('authorization');
    for (const [name, value] of Object.entries(TRANSPORT)) headers.set(name, value);
    return send(new Request(input, { headers, credentials: 'include' }));
  };

  /** Sends a request of the client itself: a URL, and a JSON body with placeholders. */
  async function sendOwn(url: string, init: RequestInit): Promise<Response> {
    const { refreshToken, accessToken, ...body } = Object(parseJson(String(init.body)));
    const answer = await send(url, {
      ...init,
      credentials: 'include',
      headers: { ...(init.headers as Record<string, string>), ...TRANSPORT },
      body: JSON.stringify({ ...body, ...(url.endsWith('/auth/login') && logIn) }),
    });
    const { expiresIn, code } = Object(parseJson(await answer.clone().text()));
    if (answer.ok && expiresIn !== undefined) return pairOfPlaceholders(expiresIn);
    // An earlier attempt set the cookies, but its answer was lost. Their expiry is unknown, so the next call refreshes.
    if (code === 'idempotency_key_reused') return pairOfPlaceholders(0);
    return answer;
  }
}

function pairOfPlaceholders(expiresIn: number): Response {
  return new Response(JSON.stringify({ access: makePlaceholder(), refresh: makePlaceholder(), expiresIn }));
}

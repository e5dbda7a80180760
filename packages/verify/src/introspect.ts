import { unavailable } from './errors.js';

/** Milliseconds. */
const TIMEOUT = 5_000;

/** Asks the service whether an access token is valid at this moment (RFC 7662). Rejects with `unavailable`. */
export async function isActive(
  token: string,
  {
    url,
    serviceKey,
    fetch,
  }: { readonly url: URL; readonly serviceKey: string; readonly fetch: typeof globalThis.fetch },
): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'x-api-key': serviceKey },
      body: new URLSearchParams({ token }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (response.status !== 200) throw new Error(`Introspection is answered with ${response.status}.`);
    const { active, token_type: type } = (await response.json()) as { active: unknown; token_type?: unknown };
    // A refresh token has no type.
    return active === true && typeof type === 'string';
  } catch (cause) {
    throw unavailable('The session cannot be checked at the moment.', { cause });
  }
}

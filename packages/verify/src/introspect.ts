import { unavailable, unexpectedStatus } from './errors.js';

/** Milliseconds. */
const TIMEOUT = 5_000;

interface IntrospectionOptions {
  readonly url: URL;
  readonly serviceKey: string;
  readonly fetch: typeof globalThis.fetch;
  readonly onError: (error: unknown) => void;
}

/**
 * Asks the service whether an access token is valid at this moment (RFC 7662). Reports a failure to `onError` and
 * rejects with `unavailable`.
 */
export async function isActive(
  token: string,
  { url, serviceKey, fetch, onError }: IntrospectionOptions,
): Promise<boolean> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'x-api-key': serviceKey },
      body: new URLSearchParams({ token }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw unexpectedStatus('Introspection', response.status, 'introspect');
    }
    const { active, token_type: type } = (await response.json()) as { active: unknown; token_type?: unknown };
    // A refresh token has no type.
    return active === true && typeof type === 'string';
  } catch (cause) {
    onError(cause);
    throw unavailable('The session cannot be checked at the moment.', { cause });
  }
}

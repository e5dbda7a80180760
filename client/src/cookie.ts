import { createClient as createBearerClient } from './client.js';
import { createCookieFetch, makePlaceholder } from './cookie-fetch.js';
import type { SessionError } from './errors.js';
import { createRequester } from './requester.js';
import type { ClientOptions, SessionClient } from './types.js';

export { SessionError } from './errors.js';
export type { IdentityProof, LogOutScope, Recovery, SessionState } from './types.js';

/** `url` is the URL of the service or of a proxy in front of it. Only requests to its origin carry the session. */
export interface CookieClientOptions extends Omit<ClientOptions, 'origins' | 'storage'> {
  /** Whether the session outlives the browser. Default: the service decides. */
  readonly remember?: boolean;
}

export interface CookieSessionClient extends Omit<SessionClient, 'token' | 'adopt'> {
  /**
   * Continues a session whose cookies another request got, such as a login with a passkey. `expiresIn` comes from the
   * answer to that request; with 0, the next call refreshes. Do not call it for a session that this client already has:
   * the `Idempotency-Key` of an unanswered refresh would be lost.
   */
  adopt(expiresIn: number): Promise<void>;
}

/**
 * Creates a client whose tokens are in cookies that no script can read. Its storage holds placeholders, which record
 * that a session exists, and the `Idempotency-Key` of an unanswered refresh. The service needs `SESSION_COOKIES=on`.
 */
export function createClient({ remember, ...options }: CookieClientOptions): CookieSessionClient {
  const { url, name = 'kinship-cookie', timeout = 10_000 } = options;
  const send = createCookieFetch(
    options.fetch ?? globalThis.fetch,
    remember === undefined ? {} : { remember },
  );
  let logOuts = 0;
  const countingFetch: typeof fetch = (input, init) => {
    if (String(input).includes('/auth/logout?')) logOuts += 1;
    return send(input, init);
  };
  const ask = createRequester(url, countingFetch, timeout);
  const { token, adopt, logOut, ...client } = createBearerClient({ ...options, name, fetch: countingFetch });

  return {
    ...client,
    adopt: (expiresIn) => adopt({ access: makePlaceholder(), refresh: makePlaceholder(), expiresIn }),

    async logOut(scope = 'session') {
      const before = logOuts;
      await logOut(scope);
      if (logOuts > before) return;
      // The storage was empty. An earlier logout may not have reached the service, and then the cookies still exist.
      await ask(`/auth/logout?scope=${scope}`, {}).catch((error: Partial<SessionError>) => {
        if (error.recovery !== 'login' || scope === 'others') throw error;
      });
    },
  };
}

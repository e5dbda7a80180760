import { createClient as createBearerClient } from './client.js';
import { createCookieFetch, makeMark } from './cookie-fetch.js';
import type { SessionError } from './errors.js';
import { createRequester } from './requester.js';
import type { ClientOptions, SessionClient } from './types.js';

export { SessionError } from './errors.js';
export type { IdentityProof as Proof, LogOutScope, Recovery, SessionState } from './types.js';

/** `url` is that of the service, or of a proxy in front of it. Only requests to its origin have the session. */
export interface CookieClientOptions extends Omit<ClientOptions, 'origins' | 'storage'> {
  /** Whether the session outlives the browser. Default: that of the service. */
  readonly remember?: boolean;
}

export interface CookieSessionClient extends Omit<SessionClient, 'token' | 'adopt'> {
  /**
   * Continues a session whose cookies another request got, such as a login with a passkey. `expiresIn` is that of its
   * answer; with 0, the next call refreshes. Not for a session that this client has already: a refresh without an answer
   * would lose its key.
   */
  adopt(expiresIn: number): Promise<void>;
}

/**
 * Creates a client whose tokens are in cookies that no script can read. Its storage holds only marks: whether there is
 * a session, and the key of a refresh that has no answer yet. The service needs `SESSION_COOKIES=on`.
 */
export function createClient({ remember, ...options }: CookieClientOptions): CookieSessionClient {
  const { url, name = 'kinship-cookie', timeout = 10_000 } = options;
  const send = createCookieFetch(
    options.fetch ?? globalThis.fetch,
    remember === undefined ? {} : { remember },
  );
  let logOuts = 0;
  const counted: typeof fetch = (input, init) => {
    if (String(input).includes('/auth/logout?')) logOuts += 1;
    return send(input, init);
  };
  const ask = createRequester(url, counted, timeout);
  const { token, adopt, logOut, ...client } = createBearerClient({ ...options, name, fetch: counted });

  return {
    ...client,
    adopt: (expiresIn) => adopt({ access: makeMark(), refresh: makeMark(), expiresIn }),

    async logOut(scope = 'session') {
      const before = logOuts;
      await logOut(scope);
      if (logOuts > before) return;
      // The marks are gone, but an earlier log-out may not have reached the service, and the cookies live on.
      await ask(`/auth/logout?scope=${scope}`, {}).catch((error: Partial<SessionError>) => {
        if (error.recovery !== 'login' || scope === 'others') throw error;
      });
    },
  };
}

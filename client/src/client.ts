import { bearerFetch } from './bearer-fetch.js';
import { SessionError } from './errors.js';
import { createPairStore } from './pair-store.js';
import { createRequester, requestPair } from './requester.js';
import { createRetry } from './retry.js';
import { createRotation } from './rotation.js';
import { createTokenGetter } from './token-getter.js';
import type { ClientOptions, LogOutScope, Schemas, SessionClient } from './types.js';

/** Creates a client of the service at `url`. It sends no request until a method is called. */
export function createClient(options: ClientOptions): SessionClient {
  const { url, origins = [], timeout = 10_000, fetch = globalThis.fetch } = options;
  const ask = createRequester(url, fetch, timeout);
  const retry = createRetry();
  const pairs = createPairStore(options);
  const { withLock, update, subscribe, close } = pairs;
  const token = createTokenGetter(pairs, createRotation(pairs, ask, retry));

  return {
    token,
    fetch: bearerFetch([new URL(url).origin, ...origins], token, fetch),
    subscribe,
    close,

    async logIn(username, password) {
      const pair = await requestPair(ask, '/auth/login', {
        username,
        password,
      } satisfies Schemas['Credentials']);
      await withLock(() => update(() => pair));
    },

    async adopt({ access, refresh, expiresIn }) {
      const pair = { access, refresh, expiresIn, at: Date.now() };
      await withLock(() => update(() => pair));
    },

    async logOut(scope = 'session') {
      let refreshToken = '';
      await withLock(() =>
        update((stored) => {
          refreshToken = stored?.refresh ?? '';
          return scope === 'others' ? stored : null;
        }),
      );
      if (refreshToken) await retry(() => end(scope, refreshToken));
    },
  };

  /** Logging out a session that has already ended is a success. */
  async function end(scope: LogOutScope, refreshToken: string): Promise<void> {
    try {
      await ask(`/auth/logout?scope=${scope}`, { refreshToken } satisfies Schemas['SessionToEnd']);
    } catch (error) {
      const over = error instanceof SessionError && error.recovery === 'login';
      if (!over || scope === 'others') throw error;
    }
  }
}

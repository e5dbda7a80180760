import { createBearerFetch } from './bearer-fetch.js';
import type { SessionError } from './errors.js';
import { createPairStore } from './pair-store.js';
import { createRequester } from './requester.js';
import { createRetry } from './retry.js';
import { createRotation } from './rotation.js';
import type { StoredPair } from './stored-pair.js';
import { createTokenGetter } from './token-getter.js';
import type { ClientOptions, Schemas, SessionClient } from './types.js';

/** Creates a client of the service at `url`. It sends no request until a method is called. */
export function createClient(options: ClientOptions): SessionClient {
  const { url, origins = [], timeout = 10_000, fetch = globalThis.fetch, onStepUp } = options;
  const ask = createRequester(url, fetch, timeout);
  const retry = createRetry();
  const pairs = createPairStore(options);
  const { withLock, update, subscribe, close } = pairs;
  const rotate = createRotation(pairs, ask, retry);
  const token = createTokenGetter(pairs, rotate);
  const keep = (pair: StoredPair) => withLock(() => update(() => pair));

  return {
    token,
    fetch: createBearerFetch([new URL(url).origin, ...origins], token, fetch, async (challenge) => {
      const proof = await onStepUp?.(challenge);
      return proof && rotate('', proof);
    }),
    subscribe,
    close,

    async logIn(username, password) {
      const body = { username, password } satisfies Schemas['Credentials'];
      await keep(await ask('/auth/login', body));
    },

    async adopt({ access, refresh, expiresIn }) {
      await keep({ access, refresh, expiresIn, at: Date.now() });
    },

    async logOut(scope = 'session') {
      let refreshToken = '';
      await withLock(() =>
        update((stored) => {
          refreshToken = stored?.refresh ?? '';
          return scope === 'others' ? stored : null;
        }),
      );
      if (!refreshToken) return;
      const body = { refreshToken } satisfies Schemas['SessionToEnd'];
      await retry(() => ask(`/auth/logout?scope=${scope}`, body)).catch((error: Partial<SessionError>) => {
        // Logging out a session that has already ended is a success.
        if (error.recovery !== 'login' || scope === 'others') throw error;
      });
    },
  };
}

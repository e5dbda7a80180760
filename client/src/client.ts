import { askForPair, asking } from './ask.js';
import { bearerFetch } from './bearer-fetch.js';
import { SessionError } from './errors.js';
import { createKeeper } from './keeper.js';
import { patience } from './patience.js';
import { renewal } from './renewal.js';
import { rotation } from './rotation.js';
import type { ClientOptions, LogOutScope, Schemas, SessionClient } from './types.js';

/** Creates a client of the service at `url`. It sends no request until a method is called. */
export function createClient(options: ClientOptions): SessionClient {
  const { url, origins = [], timeout = 10_000, fetch = globalThis.fetch } = options;
  const ask = asking(url, fetch, timeout);
  const patiently = patience();
  const keeper = createKeeper(options);
  const { alone, update, subscribe, close } = keeper;
  const token = renewal(keeper, rotation(keeper, ask, patiently));

  return {
    token,
    fetch: bearerFetch([new URL(url).origin, ...origins], token, fetch),
    subscribe,
    close,

    async logIn(username, password) {
      const pair = await askForPair(ask, '/auth/login', {
        username,
        password,
      } satisfies Schemas['Credentials']);
      await alone(() => update(() => pair));
    },

    async adopt({ access, refresh, expiresIn }) {
      const pair = { access, refresh, expiresIn, at: Date.now() };
      await alone(() => update(() => pair));
    },

    async logOut(scope = 'session') {
      let refreshToken = '';
      await alone(() =>
        update((kept) => {
          refreshToken = kept?.refresh ?? '';
          return scope === 'others' ? kept : null;
        }),
      );
      if (refreshToken) await patiently(() => end(scope, refreshToken));
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

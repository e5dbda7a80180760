import { askForPair, asking } from './ask.ts';
import { bearerFetch } from './bearer-fetch.ts';
import { SessionError } from './errors.ts';
import { createKeeper } from './keeper.ts';
import { patience } from './patience.ts';
import { renewal } from './renewal.ts';
import { rotation } from './rotation.ts';
import type { ClientOptions, LogOutScope, Schemas, SessionClient } from './types.ts';

/** A client of the service at `url`. It asks nothing before it is asked. */
export function createClient(options: ClientOptions): SessionClient {
  const { url, origins = [], timeout = 10_000, fetch = globalThis.fetch } = options;
  const ask = asking(url, fetch, timeout);
  const patiently = patience();
  const keeper = createKeeper(options);
  const { alone, look, change, subscribe, close } = keeper;
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
      await alone(() => change(pair));
    },

    adopt: ({ access, refresh, expiresIn }) =>
      alone(() => change({ access, refresh, expiresIn, at: Date.now() })),

    async logOut(scope = 'session') {
      const kept = await alone(async () => {
        const found = await look();
        if (found && scope !== 'others') await change(null);
        return found;
      });
      if (kept) await patiently(() => end(scope, kept.refresh));
    },
  };

  /** A session that has ended already is none the worse for it. */
  async function end(scope: LogOutScope, refreshToken: string): Promise<void> {
    try {
      await ask(`/auth/logout?scope=${scope}`, { refreshToken } satisfies Schemas['SessionToEnd']);
    } catch (error) {
      const over = error instanceof SessionError && error.recovery === 'login';
      if (!over || scope === 'others') throw error;
    }
  }
}

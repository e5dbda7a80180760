import { type Ask, askForPair } from './ask.ts';
import { SessionError } from './errors.ts';
import type { Keeper, Kept } from './keeper.ts';
import type { Patience } from './patience.ts';
import type { Schemas } from './types.ts';

/**
 * Exchanges the pair with this access token for its successor, unless somebody else has done so. Answers the access
 * token that there is then, or null when signed out.
 *
 * The key is stored before it is sent, and goes only with the pair that it belongs to. So whatever is lost or killed
 * in between, here or in another tab, whoever comes next asks the same question again and gets the same answer.
 */
export function rotation({ alone, known, look, store, change }: Keeper, ask: Ask, patiently: Patience) {
  return (access: string): Promise<string | null> =>
    alone(async () => {
      const kept = await look();
      if (kept?.access === access) await rotate(kept).catch((error) => refused(kept, error));
      return known()?.access ?? null;
    });

  async function rotate(kept: Kept): Promise<void> {
    const { access: accessToken, refresh: refreshToken, key = newKey() } = kept;
    if (!kept.key) await store({ ...kept, key });
    const headers = { 'idempotency-key': key };
    const body = { refreshToken, accessToken } satisfies Schemas['PairToRefresh'];
    await replace(kept, await patiently(() => askForPair(ask, '/auth/refresh', body, headers)));
  }

  async function refused(kept: Kept, error: unknown): Promise<void> {
    const { code, recovery } = error instanceof SessionError ? error : {};
    // Only a storage that was set back brings a key to another pair.
    if (code === 'idempotency_key_reused') await store({ ...kept, key: newKey() });
    if (recovery !== 'login') throw error;
    await replace(kept, null, code);
  }

  /** Where there are no Web Locks, another tab may have been faster. */
  async function replace(kept: Kept, next: Kept | null, code?: string): Promise<void> {
    const now = await look();
    if (now?.refresh === kept.refresh) await change(next, code);
  }
}

/** Of 128 random bits. `randomUUID` is kept from pages without TLS. */
function newKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-');
}

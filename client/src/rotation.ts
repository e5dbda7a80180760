import { type Ask, askForPair } from './ask.js';
import { SessionError } from './errors.js';
import type { Keeper } from './keeper.js';
import type { Kept } from './kept.js';
import type { Patience } from './patience.js';
import type { Schemas } from './types.js';

/**
 * Exchanges the pair with this access token for its successor, unless somebody else has done so. Answers the access
 * token that there is then, or null when signed out.
 *
 * The key is stored before it is sent, and goes only with the pair that it belongs to. So whatever is lost or killed
 * in between, here or in another tab, whoever comes next asks the same question again and gets the same answer.
 */
export function rotation({ alone, known, look, update }: Keeper, ask: Ask, patiently: Patience) {
  return (access: string): Promise<string | null> =>
    alone(async () => {
      if ((await look())?.access === access) await patiently(() => refresh(access));
      return known()?.access ?? null;
    });

  /**
   * One attempt. A tab that stood still may have lost its turn, and the pair may be a later one by now: so each attempt
   * reads the storage again before it sends, and each write compares the refresh token that it was made from.
   */
  async function refresh(access: string): Promise<void> {
    const kept = await update((kept) =>
      kept?.access === access && !kept.key ? { ...kept, key: newKey() } : kept,
    );
    if (kept?.access !== access) return;
    const replace = (next: Kept | null, code?: string) =>
      update((now) => (now?.refresh === kept.refresh ? next : now), code);
    const body = { refreshToken: kept.refresh, accessToken: access } satisfies Schemas['PairToRefresh'];
    try {
      await replace(await askForPair(ask, '/auth/refresh', body, { 'idempotency-key': String(kept.key) }));
    } catch (error) {
      const { code, recovery } = error instanceof SessionError ? error : {};
      // Only a storage that was set back brings a key to another pair.
      if (code === 'idempotency_key_reused') await replace({ ...kept, key: newKey() });
      if (recovery !== 'login') throw error;
      await replace(null, code);
    }
  }
}

/** Of 128 random bits. `randomUUID` is kept from pages without TLS. */
function newKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-');
}

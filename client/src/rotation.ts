import { SessionError } from './errors.js';
import type { PairStore } from './pair-store.js';
import { type PostJson, requestPair } from './requester.js';
import type { Retry } from './retry.js';
import type { StoredPair } from './stored-pair.js';
import type { Schemas } from './types.js';

/**
 * Exchanges the pair with this access token for its successor, unless another tab has already done so. Returns the
 * access token that is then current, or null when signed out.
 *
 * The `Idempotency-Key` is stored before it is sent, and is sent only with its own pair. If an answer is lost or a tab
 * is closed, the next refresh repeats the same request and gets the same answer.
 */
export function createRotation({ withLock, known, read, update }: PairStore, ask: PostJson, retry: Retry) {
  return (access: string): Promise<string | null> =>
    withLock(async () => {
      if ((await read())?.access === access) await retry(() => refresh(access));
      return known()?.access ?? null;
    });

  /**
   * Runs one attempt. A suspended tab may have lost the lock, and the stored pair may be newer. So each attempt reads
   * the storage before it sends, and each write compares the refresh token from which it was made.
   */
  async function refresh(access: string): Promise<void> {
    const stored = await update((stored) =>
      stored?.access === access && !stored.key ? { ...stored, key: newKey() } : stored,
    );
    if (stored?.access !== access) return;
    const replace = (next: StoredPair | null, code?: string) =>
      update((now) => (now?.refresh === stored.refresh ? next : now), code);
    const body = { refreshToken: stored.refresh, accessToken: access } satisfies Schemas['PairToRefresh'];
    try {
      await replace(await requestPair(ask, '/auth/refresh', body, { 'idempotency-key': String(stored.key) }));
    } catch (error) {
      const { code, recovery } = error instanceof SessionError ? error : {};
      // A key reaches another pair only if the storage was set back.
      if (code === 'idempotency_key_reused') await replace({ ...stored, key: newKey() });
      if (recovery !== 'login') throw error;
      await replace(null, code);
    }
  }
}

/** Creates a key of 128 random bits. `randomUUID` does not exist on pages without TLS. */
function newKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-');
}

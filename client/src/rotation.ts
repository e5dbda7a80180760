import type { SessionError } from './errors.js';
import type { PairStore } from './pair-store.js';
import type { PostToService } from './requester.js';
import type { Retry } from './retry.js';
import type { StoredPair } from './stored-pair.js';
import type { IdentityProof, Schemas } from './types.js';

/**
 * Creates the function that exchanges the stored pair for its successor.
 *
 * The `Idempotency-Key` is stored before it is sent, and is sent only with its own pair and path. After a lost answer
 * or a closed tab, the next exchange sends the same key again and gets the same pair. A step-up is repeated without its
 * proof.
 */
export function createRotation(
  { withLock, lastRead, read, update }: PairStore,
  post: PostToService,
  retry: Retry,
) {
  /**
   * Without a proof: exchanges the pair that contains this access token, unless another tab has already done so. With a
   * proof: finishes a pending exchange, then exchanges the current pair once. A proof is never repeated automatically.
   * Returns the access token that is then current, or null when signed out.
   */
  return (access: string, proof?: IdentityProof | null): Promise<string | null> =>
    withLock(async () => {
      const stored = await read();
      if (stored && (proof ? stored.key : stored.access === access))
        await retry(() => exchange(stored.access));
      const current = lastRead();
      if (proof && current) await exchange(current.access, proof);
      return lastRead()?.access ?? null;
    });

  /**
   * Runs one attempt. A suspended tab may have lost the lock, and the stored pair may be newer. So each attempt reads
   * the storage before it sends. Afterwards it replaces the stored pair only if that pair is the one that was sent.
   *
   * A step-up whose answer was lost is repeated without its proof. If the service has exchanged the pair, it needs no
   * proof. Otherwise it refuses the repeat, and an ordinary refresh follows.
   */
  async function exchange(access: string, proof?: IdentityProof): Promise<void> {
    // `randomUUID` does not exist on pages without TLS.
    const stored = await update((stored) =>
      stored?.access === access && !stored.key
        ? {
            ...stored,
            key: crypto.getRandomValues(new Uint32Array(4)).join('-'),
            path: proof && '/auth/step-up',
          }
        : stored,
    );
    if (stored?.access !== access) return;
    const replace = (next: StoredPair | null, code?: string) =>
      update((now) => (now?.refresh === stored.refresh ? next : now), code);
    const { refresh: refreshToken, key = '', path = '/auth/refresh' } = stored;
    const body = { refreshToken, accessToken: access, ...proof } satisfies Schemas['StepUp'];
    try {
      await replace(await post(path, body, { 'idempotency-key': key }));
    } catch (error) {
      const { code, recovery } = Object(error) as Partial<SessionError>;
      const isProofRefused = code === 'proof_refused';
      // `idempotency_key_reused` means that the storage was reset to an older state. The next attempt makes a new key.
      if (isProofRefused || code === 'idempotency_key_reused') await replace({ ...stored, key: '' });
      if (isProofRefused && !proof) return exchange(access);
      if (recovery !== 'login') throw error;
      await replace(null, code);
    }
  }
}

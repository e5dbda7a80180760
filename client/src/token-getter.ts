import type { PairStore } from './pair-store.js';
import type { SessionClient } from './types.js';

/** The refresh margin: milliseconds before the expiry of a token, at most a fifth of its lifetime. */
const AHEAD = 60_000;

/**
 * Returns the access token and refreshes it before it expires. A call in the first half of the refresh margin returns
 * the current token and refreshes it in the background. A call in the second half waits for the new token.
 */
export function createTokenGetter(
  { lastRead, read, left }: PairStore,
  rotate: (access: string) => Promise<string | null>,
): SessionClient['token'] {
  const pending = new Map<string, Promise<string | null>>();

  return async (rejected) => {
    const stored = lastRead() ?? (await read());
    if (!stored) return null;
    const { access, expiresIn } = stored;
    const ahead = Math.min(AHEAD, expiresIn * 200);
    const spare = left();
    if (access === rejected || spare < ahead / 2) return renew(access);
    // A call that has to wait refreshes again, and reports its own error.
    if (spare < ahead) renew(access).catch(() => {});
    return access;
  };

  /** Concurrent callers share one refresh. */
  function renew(access: string): Promise<string | null> {
    const rotation = pending.get(access) ?? rotate(access).finally(() => pending.delete(access));
    pending.set(access, rotation);
    return rotation;
  }
}

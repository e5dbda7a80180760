import type { UserTransfer } from '../../ports/stores/user-transfer.ts';

/** The time of one hash varies. A refusal that took longer than the minimum would tell how the hash was made. */
const HEADROOM = 1.5;

/**
 * Tracks the slowest hash function among the stored password hashes. `reload` reads it from the store, and returns 0
 * because a background loop counts work. `minimum` returns the milliseconds that a refused login takes at least, as of
 * the last reload.
 */
export function trackSlowestHash({ userTransfer }: { readonly userTransfer: UserTransfer }) {
  let slowest = 0;

  return {
    minimum: () => slowest * HEADROOM,
    async reload(): Promise<number> {
      slowest = await userTransfer.slowestKind();
      return 0;
    },
  };
}

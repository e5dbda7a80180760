import type { UserTransfer } from '../../ports/stores/user-transfer.ts';

/** The time of one hash varies. A refusal that took longer than the minimum would reveal the kind of the hash. */
const HEADROOM = 1.5;

/**
 * Tracks the slowest hash function among the stored password hashes. `reload` reads its time from the store. It returns
 * 0, because a background loop calls it and expects a number of handled rows. `minimum` returns the least milliseconds
 * that a refused login must take.
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

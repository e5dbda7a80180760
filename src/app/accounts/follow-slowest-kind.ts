import type { UserTransfer } from '../../ports/stores/user-transfer.ts';

/** The time of one hash varies. A refusal that took longer than the minimum would tell how the hash was made. */
const HEADROOM = 1.5;

/**
 * Follows the slowest kind of password hash in use. `reload` reads it from the store and returns 0, because it removes
 * nothing. `minimum` returns the milliseconds that a refused login takes at least, as of the last reload.
 */
export function followSlowestKind({ userTransfer }: { readonly userTransfer: UserTransfer }) {
  let slowest = 0;

  return {
    minimum: () => slowest * HEADROOM,
    async reload(): Promise<number> {
      slowest = await userTransfer.slowestKind();
      return 0;
    },
  };
}

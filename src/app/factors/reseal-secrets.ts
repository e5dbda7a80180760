import type { DataSealer } from '../../ports/security/data-sealer.ts';
import type { SealedRows } from '../../ports/stores/sealed-rows.ts';

interface Deps {
  /** Every store that holds sealed secrets. */
  readonly stores: readonly SealedRows[];
  readonly sealer: DataSealer;
}

/** Of `total` secrets, `resealed` were sealed under an older key and are now sealed under the newest key. */
export interface ResealCounts {
  readonly resealed: number;
  readonly total: number;
}

export type ResealSecrets = () => Promise<ResealCounts>;

const BATCH = 500;

/**
 * Reseals every secret under the newest key, if an older key sealed it. It can run while the service runs, and can be
 * repeated after a failure. Rejects with a {@link Refusal} `unavailable` if the key of a secret is not configured.
 */
export const resealSecrets =
  ({ stores, sealer }: Deps): ResealSecrets =>
  async () => {
    let [resealed, total] = [0, 0];
    for (const store of stores) {
      const moved = await resealRows(store, sealer);
      resealed += moved.resealed;
      total += moved.total;
    }
    return { resealed, total };
  };

async function resealRows(store: SealedRows, sealer: DataSealer): Promise<ResealCounts> {
  let [resealed, total, after] = [0, 0, null as string | null];
  for (;;) {
    const secrets = await store.listSealed(after, BATCH);
    for (const { id, sealed } of secrets) {
      if (sealer.isSealedByNewest(sealed)) continue;
      const text = await sealer.open({ rowId: id, sealed });
      if (await store.reseal({ id, sealed: await sealer.seal(id, text) }, sealed)) resealed += 1;
    }
    total += secrets.length;
    after = secrets.at(-1)?.id ?? after;
    if (secrets.length < BATCH) return { resealed, total };
  }
}

import type { DataSealer } from '../../ports/security/data-sealer.ts';
import type { SealedRows } from '../../ports/stores/sealed-rows.ts';

interface Deps {
  /** Every store that holds sealed secrets. */
  readonly stores: readonly Pick<SealedRows, 'listSealed'>[];
  readonly sealer: Pick<DataSealer, 'open'>;
}

/**
 * Opens up to `limit` secrets of each store, and returns their number. Rejects with a {@link Refusal} `unavailable` if a
 * secret cannot be opened, for example because its key is not configured.
 */
export async function openStoredSecrets({ stores, sealer }: Deps, limit: number): Promise<number> {
  let opened = 0;
  for (const store of stores) {
    const secrets = await store.listSealed(null, limit);
    for (const { id, sealed } of secrets) await sealer.open({ rowId: id, sealed });
    opened += secrets.length;
  }
  return opened;
}

import type { DataSealer } from '../../ports/security/data-sealer.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';

interface Deps {
  readonly secondFactors: Pick<SecondFactors, 'listSealed' | 'reseal'>;
  readonly sealer: DataSealer;
}

/** `resealed` of `total` secrets were sealed under an older key. */
export interface Resealed {
  readonly resealed: number;
  readonly total: number;
}

export type ResealSecrets = () => Promise<Resealed>;

const BATCH = 500;

/**
 * Seals every secret that an older key sealed under the newest key. It can run beside the service and again after a
 * failure. Rejects with a {@link Refusal} `unavailable` if the key of a secret is not configured.
 */
export const resealSecrets =
  ({ secondFactors, sealer }: Deps): ResealSecrets =>
  async () => {
    let [resealed, total, after] = [0, 0, null as string | null];
    for (;;) {
      const secrets = await secondFactors.listSealed(after, BATCH);
      for (const { id, sealed } of secrets) {
        if (sealer.isSealedByNewest(sealed)) continue;
        const text = await sealer.open({ rowId: id, sealed });
        if (await secondFactors.reseal({ id, sealed: await sealer.seal(id, text) }, sealed)) resealed += 1;
      }
      total += secrets.length;
      after = secrets.at(-1)?.id ?? after;
      if (secrets.length < BATCH) return { resealed, total };
    }
  };

import { createDataSealer } from '../../adapters/jose/sealed-data.ts';
import { resealSecrets } from '../../app/factors/reseal-secrets.ts';
import { formatCount } from '../../domain/plural.ts';
import { withSharedDatabase } from '../with-database.ts';
import { sealedStores } from './sealed-stores.ts';

/** `kinship keys reseal`. It works while the service runs. */
export async function resealStoredSecrets(): Promise<void> {
  await withSharedDatabase(async (sql, config) => {
    const stores = sealedStores(sql, config.policy);
    const reseal = resealSecrets({ stores, sealer: createDataSealer(config.dataKeys) });
    const { resealed, total } = await reseal();
    process.stdout.write(
      `${formatCount(resealed)} of ${formatCount(total)} secrets were moved to the newest DATA_ENCRYPTION_KEY.\n`,
    );
  });
}

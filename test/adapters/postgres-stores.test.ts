import t from 'tap';
import { storeContracts } from '../ports/every-store.ts';
import { postgresStores } from '../support/open-stores.ts';

t.test('PostgreSQL', async (t) => {
  const stores = await postgresStores(t);
  if (stores !== null) await storeContracts(t, stores);
});

import t from 'tap';
import { storeContracts } from '../ports/every-store.ts';
import { embeddedStores } from '../support/open-stores.ts';

t.test('the embedded database', async (t) => storeContracts(t, await embeddedStores(t)));

import t from 'tap';
import { postgresStores } from '../support/open-stores.ts';
import { fillSearched, planOf, searchesOn } from '../support/searches.ts';

t.test('each search of operators and users can read its index in order, and no whole table', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { sql } = stores;
  await fillSearched(stores, 2_000);
  for (const search of searchesOn(sql)) {
    // A table this small is read as a whole. `npm run bench:searches` shows the plans at a million rows.
    const plan = await sql.begin(async (tx) => {
      await tx`set local enable_seqscan = off`;
      await tx`set local enable_sort = off`;
      return planOf(tx, search);
    });
    t.match(plan, new RegExp(`(using|on) ${search.index}\\b`), `${search.name}\n${plan}`);
    t.notMatch(plan, /Seq Scan on (?!pg_)/, `${search.name}\n${plan}`);
  }
});

import t from 'tap';
import { purgeSql } from '../../src/adapters/postgres/purge-sql.ts';
import { NOW, someFamily } from '../support/families.ts';
import { postgresStores } from '../support/open-stores.ts';

t.test('while one purges, the others are sent away', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { families, sql } = stores;
  for (let n = 0; n < 3; n += 1) await families.open(someFamily({ expiresAt: NOW }), []);
  await sql.begin(async (tx) => {
    t.same(await purgeSql(tx, NOW + 1, 2), [{ mine: true, count: 2 }]);
    t.equal(await families.purge(NOW + 1, 2), null, 'at once: the batch of the other one is not through');
    t.equal((await sql`select from token_families`).count, 3, 'nor is it seen yet');
  });
  t.equal(await families.purge(NOW + 1, 2), 1, 'the next in turn does the rest');
});

t.test('a family under change is left for the next time, and not waited for', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { families, sql } = stores;
  const [changed, other] = [someFamily({ expiresAt: NOW }), someFamily({ expiresAt: NOW + 1 })];
  for (const family of [changed, other]) await families.open(family, []);
  await sql.begin(async (tx) => {
    await tx`update token_families set generation = 1 where token_family = ${changed.tokenFamily}`;
    t.equal(await families.purge(NOW + 2, 1), 1);
  });
  t.same(await families.find(changed.tokenFamily), { ...changed, generation: 1 });
  t.equal(await families.find(other.tokenFamily), null);
});

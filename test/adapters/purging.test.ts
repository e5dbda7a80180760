import t from 'tap';
import { purgeSql } from '../../src/adapters/postgres/purge-sql.ts';
import { NOW, someFamily } from '../support/families.ts';
import { postgresStores } from '../support/open-stores.ts';

t.test('only one process purges at a time', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { families, sql } = stores;
  for (let n = 0; n < 3; n += 1) await families.open(someFamily({ expiresAt: NOW }), []);
  await sql.begin(async (tx) => {
    t.same(await purgeSql(tx, NOW + 1, 2), [{ locked: true, count: 2 }]);
    t.equal(await families.purge(NOW + 1, 2), null, 'the other process still holds the lock');
    t.equal((await sql`select from token_families`).count, 3, 'its batch has not committed');
  });
  t.equal(await families.purge(NOW + 1, 2), 1, 'the next purge removes the rest');
});

t.test('a purge skips a locked family without waiting for it', async (t) => {
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

import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { storeContracts } from '../ports/every-store.ts';
import { someUser, withHash } from '../ports/users.ts';
import { entry, NOW, rotationOf, someFamily } from '../support/families.ts';
import { type SqlStores, storesOn } from '../support/open-stores.ts';
import { skipFor } from '../support/skip.ts';

/**
 * The stores on the coordinator of a Citus cluster. No table is distributed. `TEST_CITUS_URL` names a database of the
 * coordinator that has the extension. The test creates its own schema there, and drops it.
 */

const ROUNDS = 200;

t.test('the stores keep their contracts on a coordinator', async (t) => {
  const url = citusUrl(t);
  if (url === null) return;
  const [stores] = await storesInNewSchema(t, url, 1);
  await storeContracts(t, stores!);
});

t.test('of two pools that rotate one token at once one succeeds', async (t) => {
  const url = citusUrl(t);
  if (url === null) return;
  const pools = await storesInNewSchema(t, url, 2);
  const winners: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const family = someFamily();
    await pools[0]!.families.open(family, []);
    const entries = round % 2 === 0 ? [] : [entry(family)];
    const rotated = await Promise.all(
      pools.map(({ families }) => families.rotate(rotationOf(family), entries)),
    );
    winners.push(rotated.filter((row) => row !== null).length);
  }
  t.same(
    winners.filter((count) => count !== 1),
    [],
  );
});

t.test('no session of an old password survives a change of the password in another pool', async (t) => {
  const url = citusUrl(t);
  if (url === null) return;
  const [one, other] = await storesInNewSchema(t, url, 2);
  const survivors: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const user = someUser();
    await one!.users.create(user, []);
    const family = someFamily({ userId: user.id });
    const change = { passwordHash: 'newer', except: null, at: NOW };
    await Promise.all([
      one!.families.open(family, [], withHash(user.passwordHash)),
      other!.users.changePassword(user.id, null, change, []),
    ]);
    const live = await one!.families.list(user.id, { now: NOW, limit: 10, after: null });
    survivors.push(...live.map(({ tokenFamily }) => tokenFamily));
  }
  t.same(survivors, []);
});

function citusUrl(t: Test): string | null {
  const url = process.env.TEST_CITUS_URL;
  if (url) return url;
  skipFor(t, 'TEST_CITUS_URL');
  return null;
}

/** Stores on each of several pools, which share one new schema. */
async function storesInNewSchema(t: Test, url: string, count: number): Promise<SqlStores[]> {
  const schema = `kinship_test_${randomBytes(8).toString('hex')}`;
  const pools = Array.from({ length: count }, () => connect({ kind: 'url', url, pool: 4, schema }));
  const [first] = pools as [Sql, ...Sql[]];
  t.teardown(async () => {
    await first.unsafe(`drop schema if exists ${schema} cascade`);
    await Promise.all(pools.map((pool) => pool.end({ timeout: 5 })));
  });
  const [found] = await first`select extversion from pg_extension where extname = 'citus'`;
  if (found === undefined) throw new Error('The database of TEST_CITUS_URL lacks the extension citus.');
  t.comment(`Citus ${found.extversion}`);
  await migrate(first);
  return pools.map(storesOn);
}

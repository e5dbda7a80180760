import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { rotateSkippingLockedSql, rotateSql } from '../../src/adapters/postgres/rotate-sql.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { rotationOf, someFamily } from '../support/families.ts';
import { postgresStores } from '../support/open-stores.ts';

async function open(t: Test, count: number) {
  const statements: string[] = [];
  const stores = await postgresStores(t, 4, (text) => statements.push(text.trim()));
  if (stores === null) return null;
  const families = Array.from({ length: count }, () => someFamily());
  // In parts: a session that waits longer than the batcher allows is refused.
  for (let start = 0; start < count; start += 100)
    await Promise.all(families.slice(start, start + 100).map((family) => stores.families.open(family, [])));
  statements.length = 0;
  const rotate = (family: TokenFamily, values = {}) => stores.families.rotate(rotationOf(family, values), []);
  return { ...stores, all: families, rotate, statements };
}

t.test('rotations that wait share one statement', async (t) => {
  const store = await open(t, 60);
  if (store === null) return;
  const rotated = await Promise.all(store.all.map((family) => store.rotate(family)));
  t.ok(rotated.every((row) => row?.generation === 1));
  t.equal(
    store.statements.length,
    2,
    'one statement for the first rotation, and one for the waiting rotations',
  );
});

t.test('a locked row delays only its own rotation', async (t) => {
  const store = await open(t, 20);
  if (store === null) return;
  const [held, ...others] = store.all;
  if (held === undefined) throw new Error('no family');
  let waiting: Promise<TokenFamily | null> | undefined;
  let isSettled = false;
  await store.sql.begin(async (tx) => {
    await tx`select 1 from token_families where token_family = ${held.tokenFamily} for update`;
    waiting = store.rotate(held).finally(() => {
      isSettled = true;
    });
    const rotated = await Promise.all(others.map((family) => store.rotate(family)));
    t.ok(rotated.every((row) => row?.generation === 1));
    t.notOk(isSettled);
  });
  t.equal((await waiting)?.generation, 1, 'the delayed rotation succeeds');
});

t.test('a rotation that the database refuses fails no other rotation', async (t) => {
  const store = await open(t, 20);
  if (store === null) return;
  const outcomes = await Promise.allSettled(
    store.all.map((family, index) => store.rotate(family, index === 7 ? { userAgent: 'a\u0000b' } : {})),
  );
  t.same(
    outcomes.map(({ status }) => status),
    store.all.map((_family, index) => (index === 7 ? 'rejected' : 'fulfilled')),
  );
  const [lost] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  t.notOk(lost instanceof StoreUnavailable, 'a defect, not an outage');
});

t.test('an unreachable database rejects all rotations as unavailable', async (t) => {
  const sql = connect({ kind: 'url', url: 'postgres://nobody@127.0.0.1:1/none', pool: 2 });
  t.teardown(() => sql.end({ timeout: 0 }));
  const families = createTokenFamilies(sql, { sessionsPerUser: 50 });
  const attempts = Array.from({ length: 10 }, () =>
    families.rotate(rotationOf(someFamily({ tokenFamily: randomUUID() })), []),
  );
  for (const outcome of await Promise.allSettled(attempts)) {
    t.match(outcome, { status: 'rejected', reason: { name: 'StoreUnavailable', outcome: 'nothing' } });
  }
});

t.test(
  'rotations that wait too long for a blocked database are rejected and never take effect',
  async (t) => {
    const store = await open(t, 10);
    if (store === null) return;
    let attempts: Promise<TokenFamily | null>[] = [];
    await store.sql.begin(async (tx) => {
      await tx`lock table token_families in exclusive mode`;
      attempts = store.all.map((family) => store.rotate(family));
      for (const outcome of await Promise.allSettled(attempts)) {
        t.match(outcome, { status: 'rejected', reason: { name: 'StoreUnavailable', outcome: 'nothing' } });
      }
    });
    for (const family of store.all) t.same(await store.families.find(family.tokenFamily), family);
  },
);

t.test('a rotation reads the primary key index, not the whole table, with 2,000 families', async (t) => {
  const store = await open(t, 2_000);
  if (store === null) return;
  const rotations = store.all.slice(0, 20).map((family) => rotationOf(family));
  for (const statement of [rotateSkippingLockedSql(store.sql, rotations), rotateSql(store.sql, rotations)]) {
    const lines = await store.sql<{ 'QUERY PLAN': string }[]>`explain ${statement}`;
    const plan = lines.map((line) => line['QUERY PLAN']).join('\n');
    t.match(plan, /Index Scan using token_families_pkey/);
    t.notMatch(plan, /Seq Scan|token_families_of_user/);
  }
});

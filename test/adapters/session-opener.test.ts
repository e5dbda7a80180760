import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { someFamily } from '../support/families.ts';
import { postgresStores } from '../support/open-stores.ts';

async function open(t: Test) {
  const statements: string[] = [];
  const stores = await postgresStores(t, 4, (text) => statements.push(text.trim()));
  if (stores === null) return null;
  const openAll = (users: readonly string[]) =>
    Promise.all(users.map((userId) => stores.families.open(someFamily({ userId }), [])));
  return { ...stores, statements, openAll };
}

const newUsers = (count: number) => Array.from({ length: count }, () => randomUUID());

t.test('logins that wait share one statement', async (t) => {
  const store = await open(t);
  if (store === null) return;
  for (const users of [newUsers(60), newUsers(60)]) {
    store.statements.length = 0;
    const opened = await store.openAll([...users]);
    t.ok(opened.every((session) => session !== null && session !== 'disabled'));
    t.equal(store.statements.length, 2, 'one for the first login, one for the waiting ones');
  }
});

t.test('concurrent logins of one user are all opened', async (t) => {
  const store = await open(t);
  if (store === null) return;
  const userId = randomUUID();
  await store.openAll([userId, userId, userId]);
  const page = { now: Date.UTC(2026, 0, 2), limit: 10, after: null };
  t.equal((await store.families.list(userId, page)).length, 3);
});

t.test('a user whose state is locked delays only their own login', async (t) => {
  const store = await open(t);
  if (store === null) return;
  const users = newUsers(20);
  await store.openAll(users);
  const [held, ...others] = users as [string, ...string[]];
  let waiting: Promise<unknown> | undefined;
  let isSettled = false;
  await store.sql.begin(async (tx) => {
    await tx`select user_id from user_states where user_id = ${held} for update`;
    waiting = store.openAll([held]).finally(() => {
      isSettled = true;
    });
    const opened = await store.openAll(others);
    t.ok(opened.every((session) => session !== null && session !== 'disabled'));
    t.notOk(isSettled);
  });
  t.match(await waiting, [{ sessions: { length: 0 } }], 'the delayed login succeeds');
});

t.test('a disabled user fails no other login of the batch', async (t) => {
  const store = await open(t);
  if (store === null) return;
  const users = newUsers(20);
  const [, , disabled] = users as [string, string, string];
  await store.sql`insert into user_states (user_id, disabled_at) values (${disabled}, now())`;
  const opened = await store.openAll(users);
  for (const [index, userId] of users.entries()) {
    if (userId === disabled) t.equal(opened[index], 'disabled');
    else t.match(opened[index], { sessions: { length: 0 } });
  }
});

t.test('a login that the database refuses fails no other login of the batch', async (t) => {
  const store = await open(t);
  if (store === null) return;
  const outcomes = await Promise.allSettled(
    newUsers(20).map((userId, index) =>
      store.families.open(someFamily({ userId, ...(index === 7 && { userAgent: 'a\u0000b' }) }), []),
    ),
  );
  t.same(
    outcomes.map(({ status }) => status),
    outcomes.map((_outcome, index) => (index === 7 ? 'rejected' : 'fulfilled')),
  );
  const [lost] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  t.notOk(lost instanceof StoreUnavailable, 'a defect, not an outage');
});

t.test(
  'replicas that log in the same new users in different orders wait for each other, and never fail',
  async (t) => {
    const store = await open(t);
    if (store === null) return;
    const other = connect({ kind: 'url', url: store.url, pool: 4 });
    t.teardown(() => other.end({ timeout: 5 }));
    const replicas = [store.families, createTokenFamilies(other, { sessionsPerUser: 50 })];
    for (let round = 0; round < 40; round += 1) {
      const users = newUsers(20);
      const opened = await Promise.all(
        replicas.flatMap((families, replica) =>
          (replica === 0 ? users : users.toReversed()).map((userId) =>
            families.open(someFamily({ userId }), []),
          ),
        ),
      );
      t.ok(opened.every((session) => session !== null && session !== 'disabled'));
    }
    const [row] = await store.sql<{ count: number }[]>`
    select count(*)::int as count from token_families where revoked_at is null`;
    t.equal(row?.count, 40 * 20 * 2);
  },
);

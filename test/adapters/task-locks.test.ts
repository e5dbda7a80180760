import t from 'tap';
import { someUser } from '../ports/users.ts';
import { NOW } from '../support/families.ts';
import { postgresStores } from '../support/open-stores.ts';
import { waitForLocks } from '../support/postgres.ts';

t.test('removing an account while one of its tasks changes causes no deadlock', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { sql, users, tasks } = stores;
  const user = someUser();
  await users.create(user, []);
  const { id = 0 } = (await tasks.create(user.id, 'first', NOW)) ?? {};

  // Both start, in this order, before one of them locks the task.
  const { outcomes } = await sql.begin(async (tx) => {
    await tx`select from tasks where id = ${id} for update`;
    const changing = tasks.change(user.id, id, 'second');
    await waitForLocks(sql, 1);
    const revocation = { at: NOW, reason: 'account_deleted' } as const;
    const removing = users.remove(user.id, null, revocation, []);
    await waitForLocks(sql, 2);
    return { outcomes: Promise.allSettled([changing, removing]) };
  });
  t.match(await outcomes, [
    { status: 'fulfilled', value: { text: 'second' } },
    { status: 'fulfilled', value: { sessions: { length: 0 } } },
  ]);
  t.equal(await tasks.list(user.id, 10), null);
});

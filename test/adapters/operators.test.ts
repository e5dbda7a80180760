import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { createOperators } from '../../src/adapters/postgres/operators.ts';
import { embeddedStores, postgresStores, type SqlStores } from '../support/open-stores.ts';

async function operatorsContract(t: Test, { sql, users }: SqlStores): Promise<void> {
  const { isOperator } = createOperators(sql);
  const id = randomUUID();
  await users.create(
    {
      id,
      username: 'olga',
      email: 'olga@example.com',
      emailVerifiedAt: null,
      passwordHash: 'hash',
      createdAt: Date.parse('2026-11-28T00:00:00.000Z'),
    },
    [],
  );
  t.equal(await isOperator(id), false, 'a new account has no role');
  await sql`update users set roles = array['operator'] where id = ${id}`;
  t.equal(await isOperator(id), true);
  t.equal(await isOperator(randomUUID()), false, 'an unknown id is no operator');
  await sql`update users set roles = '{}' where id = ${id}`;
  t.equal(await isOperator(id), false, 'a revoked role is gone at once');
}

t.test('PostgreSQL', async (t) => {
  const stores = await postgresStores(t);
  if (stores !== null) await operatorsContract(t, stores);
});

t.test('the embedded database', async (t) => operatorsContract(t, await embeddedStores(t)));

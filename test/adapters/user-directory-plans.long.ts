import t, { type Test } from 'tap';
import { listSql } from '../../src/adapters/postgres/user-directory.ts';
import type { UserFilter } from '../../src/domain/user-directory.ts';
import { NOW, someFamily } from '../support/families.ts';
import { embeddedStores, postgresStores, type SqlStores } from '../support/open-stores.ts';

const USERS = 5_000;

/** A filter, a position in its list, and the index that the plan must use. */
const LISTS: readonly (readonly [UserFilter, string, string])[] = [
  [{ by: 'age' }, `${NOW}.00000000-0000-4000-8000-000000000001`, 'users_by_age'],
  [{ by: 'identifier', text: 'user1' }, 'user11', 'user_identifiers_by_text'],
  [
    { by: 'id', first: '00000000-0000-0000-0000-000000000000', last: '0000ffff-ffff-ffff-ffff-ffffffffffff' },
    '00000001-0000-4000-8000-000000000001',
    'users_pkey',
  ],
  [{ by: 'disabled' }, '00000001-0000-4000-8000-000000000001', 'user_states_disabled'],
  [{ by: 'role' }, '00000001-0000-4000-8000-000000000001', 'users_with_roles'],
];

t.test('no list of users scans a whole table', async (t) => {
  await t.test('PostgreSQL', async (t) => {
    const stores = await postgresStores(t);
    if (stores !== null) await assertIndexesAreUsed(t, stores);
  });
  await t.test('the embedded database', async (t) => assertIndexesAreUsed(t, await embeddedStores(t)));
});

async function assertIndexesAreUsed(t: Test, stores: SqlStores): Promise<void> {
  const { sql } = stores;
  await fill(stores);
  for (const [filter, place, index] of LISTS)
    for (const after of [null, place]) {
      const plan = await sql<{ 'QUERY PLAN': string }[]>`
        explain ${listSql(sql, filter, { now: NOW, limit: 21, after })}`;
      const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
      const name = `${filter.by}, ${after === null ? 'the first page' : 'a later page'}`;
      t.match(lines, new RegExp(`(Scan using|Bitmap Index Scan on) ${index}`), `${name}\n${lines}`);
      t.notMatch(lines, /Seq Scan/, `${name}\n${lines}`);
    }
}

async function fill({ sql, families }: SqlStores): Promise<void> {
  await sql`
    insert into users (id, username, email, password_hash, created_at, roles)
    select gen_random_uuid(), 'user' || n, 'user' || n || '@example.com', 'none',
      ${new Date(NOW)}::timestamptz + n * interval '1 second',
      case when n % 1000 = 0 then '{operator}'::text[] else '{}' end
    from generate_series(1, ${USERS}) n`;
  await sql`insert into user_identifiers select username, id from users union all select email, id from users`;
  await sql`
    insert into user_factors (id, user_id, kind, label, created_at, confirmed_at)
    select gen_random_uuid(), id, 'totp', 'app', created_at, created_at from users`;
  await families.open(someFamily(), []);
  await sql`
    insert into token_families
    select populated.* from users, (select * from token_families) one, lateral jsonb_populate_record(
      null::token_families,
      to_jsonb(one) || jsonb_build_object('token_family', gen_random_uuid(), 'user_id', users.id)
    ) populated`;
  await sql`
    insert into user_states (user_id, disabled_at)
    select id, case when username like '%9' then created_at end from users`;
  await sql`analyze`;
}

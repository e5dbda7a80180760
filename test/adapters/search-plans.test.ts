import { randomUUID } from 'node:crypto';
import t from 'tap';
import { MAX_SCANNED_EVENTS } from '../../src/adapters/postgres/audit-log.ts';
import { MAX_SCANNED_USERS } from '../../src/adapters/postgres/user-directory.ts';
import { NOW } from '../support/families.ts';
import { postgresStores } from '../support/open-stores.ts';
import { fillSearchedTables, planOf, searchesOn } from '../support/searches.ts';

t.test(
  'each search of operators and users can read its index in order, without a scan of a whole table',
  async (t) => {
    const stores = await postgresStores(t);
    if (stores === null) return;
    const { sql } = stores;
    await fillSearchedTables(sql, 2_000);
    for (const search of searchesOn(sql, 2_000)) {
      // The planner reads such a small table as a whole. `npm run bench:searches` shows the plans for a million rows.
      const plan = await sql.begin(async (tx) => {
        await tx`set local enable_seqscan = off`;
        await tx`set local enable_sort = off`;
        return planOf(tx, search);
      });
      t.match(plan, new RegExp(`(using|on) ${search.index}\\b`), `${search.name}\n${plan}`);
      t.notMatch(plan, /Seq Scan on (?!pg_)/, `${search.name}\n${plan}`);
    }
  },
);

t.test(
  'a disabled account is found behind an empty page if very many disabled users have no account',
  async (t) => {
    const stores = await postgresStores(t);
    if (stores === null) return;
    const { sql, userDirectory } = stores;
    await sql`
    insert into user_states (user_id, disabled_at)
    select lpad(to_hex(n), 32, '0')::uuid, ${new Date(NOW)} from generate_series(1, ${MAX_SCANNED_USERS + 5}) n`;
    const id = 'ffffffff-0000-4000-8000-000000000000';
    await sql`
    insert into users (id, username, email, password_hash, created_at)
    values (${id}, 'ann', 'ann@example.com', 'none', ${new Date(NOW)})`;
    await sql`insert into user_states (user_id, disabled_at) values (${id}, ${new Date(NOW)})`;
    const page = { now: NOW, limit: 10 };
    const first = await userDirectory.list({ by: 'disabled' }, { ...page, after: null });
    t.same(first.users, []);
    t.type(first.next, 'string');
    const second = await userDirectory.list({ by: 'disabled' }, { ...page, after: first.next });
    t.match(second, { users: [{ user: { id } }], next: null });
  },
);

t.test('a rare event of a user with very many events is found after an empty page', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { sql, auditLog } = stores;
  const userId = randomUUID();
  await sql`
    insert into security_events (id, occurred_at, type, user_id, session_id, actor, data)
    select gen_random_uuid(), ${new Date(NOW)}::timestamptz + n * interval '1 second',
      case when n = 0 then 'users.deleted' else 'users.password_failed' end, ${userId}, ${userId}, 'user', '{}'
    from generate_series(0, ${MAX_SCANNED_EVENTS}::integer) n`;
  for (const owner of [{ userId }, { sessionId: userId }]) {
    const filter = { ...owner, types: ['users.deleted'] };
    const page = { limit: 10, newestFirst: true };
    const first = await auditLog.list(filter, { ...page, after: null });
    t.same(first.events, []);
    t.equal(first.next?.occurredAt, NOW + 1_000);
    const second = await auditLog.list(filter, { ...page, after: first.next });
    t.match(second, { events: [{ type: 'users.deleted', occurredAt: NOW }], next: null });
    const { events } = await auditLog.list(filter, { limit: 10, after: null });
    t.equal(events.length, 1, 'oldest first');
  }
});

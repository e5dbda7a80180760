import { randomUUID } from 'node:crypto';
import type { TransactionSql } from 'postgres';
import t, { type Test } from 'tap';
import { createAuditLog, MAX_SCANNED_EVENTS } from '../../src/adapters/postgres/audit-log.ts';
import type { Sql } from '../../src/adapters/postgres/connect.ts';
import { MAX_SCANNED_ROWS } from '../../src/adapters/postgres/search-families.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { createUserDirectory, MAX_SCANNED_USERS } from '../../src/adapters/postgres/user-directory.ts';
import { NOW, someFamily } from '../support/families.ts';
import { postgresStores, type SqlStores } from '../support/open-stores.ts';

/** The same connections. After the first `select`, `change` runs on another connection. */
function changeAfterFirstSelect(sql: Sql, change: () => Promise<unknown>): Sql {
  let isDone = false;
  const changeOnce = async (rows: { readonly command?: string }) => {
    if (isDone || rows.command !== 'SELECT') return rows;
    isDone = true;
    await change();
    return rows;
  };
  const intercept = <Executor extends Sql | TransactionSql>(executor: Executor): Executor =>
    new Proxy(executor, {
      apply(target, self, values) {
        const statement = Reflect.apply(target, self, values);
        const { then } = statement;
        if (typeof then === 'function')
          Reflect.set(statement, 'then', (onDone: () => unknown, onFailed: () => unknown) =>
            then.call(statement, changeOnce).then(onDone, onFailed),
          );
        return statement;
      },
      get(target, name) {
        if (name !== 'begin' || !('begin' in target)) return Reflect.get(target, name);
        return (work: (tx: TransactionSql) => Promise<unknown>) => target.begin((tx) => work(intercept(tx)));
      },
    });
  return intercept(sql);
}

async function withPostgres(t: Test, test: (stores: SqlStores) => Promise<void>): Promise<void> {
  const stores = await postgresStores(t);
  if (stores !== null) await test(stores);
}

t.test('a disabled account is found although another user leaves the scan meanwhile', (t) =>
  withPostgres(t, async ({ sql }) => {
    const id = 'ffffffff-0000-4000-8000-000000000000';
    await sql`
      insert into user_states (user_id, disabled_at)
      select lpad(to_hex(n), 32, '0')::uuid, ${new Date(NOW)} from generate_series(1, ${MAX_SCANNED_USERS}::integer) n`;
    await sql`
      insert into users (id, username, email, password_hash, created_at)
      values (${id}, 'ann', 'ann@example.com', 'none', ${new Date(NOW)})`;
    await sql`insert into user_states (user_id, disabled_at) values (${id}, ${new Date(NOW)})`;
    const enable = () => sql`
      update user_states set disabled_at = null where user_id = (select user_id from user_states order by user_id limit 1)`;
    const directory = createUserDirectory(changeAfterFirstSelect(sql, enable));
    const found: string[] = [];
    for (let after: string | null = null; ; ) {
      const page = await directory.list({ by: 'disabled' }, { now: NOW, limit: 10, after });
      found.push(...page.users.map(({ user }) => user.id));
      after = page.next;
      if (after === null) break;
    }
    t.same(found, [id]);
  }),
);

t.test('a session is found although another session ends meanwhile', (t) =>
  withPostgres(t, async ({ sql, families }) => {
    const wanted = someFamily({ createdAt: NOW, userAgent: 'needle' });
    const other = someFamily({ createdAt: NOW + 1, userAgent: 'hay' });
    for (const family of [wanted, other]) await families.open(family, []);
    await sql.begin(async (tx) => {
      await tx`set local statement_timeout = 0`;
      await tx`
        insert into token_families
        select (jsonb_populate_record(family, jsonb_build_object('token_family', gen_random_uuid()))).*
        from token_families family, generate_series(2, ${MAX_SCANNED_ROWS}::integer)
        where token_family = ${other.tokenFamily}`;
    });
    const revoke = () => families.revoke(other.tokenFamily, { at: NOW, reason: 'logout' }, []);
    const stores = createTokenFamilies(changeAfterFirstSelect(sql, revoke), { sessionsPerUser: 50 });
    const found: string[] = [];
    const filter = { userId: null, state: 'live', agent: 'needle' } as const;
    for (let after: { createdAt: number; tokenFamily: string } | null = null; ; ) {
      const page = await stores.search(filter, { now: NOW, limit: 10, after });
      found.push(...page.families.map(({ tokenFamily }) => tokenFamily));
      after = page.next;
      if (after === null) break;
    }
    t.same(found, [wanted.tokenFamily]);
  }),
);

t.test('an event is found although an earlier event is purged meanwhile', (t) =>
  withPostgres(t, async ({ sql }) => {
    const userId = randomUUID();
    await sql`
      insert into security_events (id, occurred_at, type, user_id, actor, data)
      select gen_random_uuid(), ${new Date(NOW)}::timestamptz + n * interval '1 second',
        case when n = ${MAX_SCANNED_EVENTS}::integer then 'users.deleted' else 'users.password_failed' end, ${userId}, 'user', '{}'
      from generate_series(0, ${MAX_SCANNED_EVENTS}::integer) n`;
    const purge = () => sql`delete from security_events where occurred_at = ${new Date(NOW)}`;
    const auditLog = createAuditLog(changeAfterFirstSelect(sql, purge));
    const found: string[] = [];
    for (let after: { occurredAt: number; id: string } | null = null; ; ) {
      const page = await auditLog.list({ userId, types: ['users.deleted'] }, { limit: 10, after });
      found.push(...page.events.map(({ type }) => type));
      after = page.next;
      if (after === null) break;
    }
    t.same(found, ['users.deleted']);
  }),
);

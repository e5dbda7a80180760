import t, { type Test } from 'tap';
import { forgetBudgetsSql } from '../../src/adapters/postgres/mail-budget.ts';
import { createOutbox, forgetOldSql } from '../../src/adapters/postgres/outbox.ts';
import { NOW } from '../support/families.ts';
import { embeddedStores, postgresStores, type SqlStores } from '../support/open-stores.ts';

const ENTRIES = 20_000;
const BATCH = 1_000;

t.test('removals of entries and of mail budgets read an index and not the table', async (t) => {
  await t.test('PostgreSQL reads the indexes', async (t) => {
    const stores = await postgresStores(t);
    if (stores !== null) await assertIndexesAreUsed(t, stores);
  });
  await t.test('the embedded database reads the indexes', async (t) =>
    assertIndexesAreUsed(t, await embeddedStores(t)),
  );
});

async function assertIndexesAreUsed(t: Test, { sql }: SqlStores): Promise<void> {
  await fill(sql);
  const entries = await planOf(sql, forgetOldSql(sql, 'mail', NOW + ENTRIES, BATCH));
  t.match(entries, /Index Scan using outbox_by_age/);
  t.notMatch(entries, /Seq Scan/);
  await fillBudgets(sql);
  for (const before of [NOW - 1, NOW + ENTRIES]) {
    const budgets = await planOf(sql, forgetBudgetsSql(sql, before, BATCH));
    t.match(budgets, /Index Scan using mail_budgets_by_last_mail/);
    t.notMatch(budgets, /Seq Scan on mail_budgets/);
  }
}

async function planOf(sql: SqlStores['sql'], statement: ReturnType<typeof forgetOldSql>): Promise<string> {
  const plan = await sql<{ 'QUERY PLAN': string }[]>`explain ${statement}`;
  return plan.map((row) => row['QUERY PLAN']).join('\n');
}

t.test('concurrent replicas remove different entries', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { sql } = stores;
  await fill(sql);
  const outbox = createOutbox(sql);
  await sql.begin(async (tx) => {
    await tx`select from outbox where kind = 'mail' order by occurred_at limit ${BATCH} for update`;
    t.equal(await outbox.forget('mail', NOW + ENTRIES, BATCH), BATCH, 'no wait for the locked entries');
  });
  const [row] = await sql`select min(occurred_at) as oldest, count(*)::int as count from outbox`;
  t.same(row, { oldest: new Date(NOW), count: ENTRIES - BATCH });
});

async function fill(sql: SqlStores['sql']): Promise<void> {
  await sql`
    insert into outbox (id, kind, type, data, occurred_at, due_at)
    select gen_random_uuid(), 'mail', 'sessions.address_changed', '{}', at, at
    from (select ${new Date(NOW)}::timestamptz + n * interval '1 millisecond' as at from generate_series(0, ${ENTRIES - 1}) n) entry`;
  await sql`analyze outbox`;
}

async function fillBudgets(sql: SqlStores['sql']): Promise<void> {
  await sql`
    insert into mail_budgets (recipient, sent_at)
    select sha256(n::text::bytea), array[${new Date(NOW)}::timestamptz + n * interval '1 millisecond']
    from generate_series(0, ${ENTRIES - 1}) n`;
  await sql`analyze mail_budgets`;
}

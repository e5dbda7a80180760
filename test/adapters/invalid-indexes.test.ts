import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { interruptIndex } from '../support/invalid-index.ts';
import { migrateTo } from '../support/migrate-to.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';

const INDEX = 'mail_budgets_by_last_mail';
const CREATE = `create index concurrently ${INDEX} on mail_budgets ((sent_at[cardinality(sent_at)]))`;

t.test('a migration that creates an index', async (t) => {
  if (!(await requirePostgres(t))) return;

  await t.test('replaces an invalid index of this name', async (t) => {
    const { url, sql, readIndex } = await beforeMigration190(t);
    await interruptIndex(url, 'mail_budgets', CREATE);
    const invalid = await readIndex();
    t.equal(invalid?.indisvalid, false);
    await migrate(sql);
    const rebuilt = await readIndex();
    t.equal(rebuilt?.indisvalid, true);
    t.not(rebuilt?.oid, invalid?.oid);
  });

  await t.test('keeps a valid index of this name', async (t) => {
    const { sql, readIndex } = await beforeMigration190(t);
    await sql.unsafe(CREATE);
    const valid = await readIndex();
    t.equal(valid?.indisvalid, true);
    await migrate(sql);
    t.same(await readIndex(), valid);
  });
});

/** A database in which migration 190 is due. */
async function beforeMigration190(t: Test) {
  const url = await testDatabase(t);
  const sql = connect({ kind: 'url', url, pool: 1 });
  t.teardown(() => sql.end({ timeout: 1 }));
  await migrateTo(sql, url, '180');
  return {
    url,
    sql,
    async readIndex() {
      const [row] = await sql`
        select indexrelid::text as oid, indisvalid from pg_index where indexrelid = to_regclass(${INDEX})`;
      return row;
    },
  };
}

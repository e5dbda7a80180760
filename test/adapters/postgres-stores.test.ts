import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { createOutbox } from '../../src/adapters/postgres/outbox.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { outboxContract } from '../ports/outbox.ts';
import { tokenFamiliesContract } from '../ports/token-families.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';

t.test('PostgreSQL', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const sql = connect({ kind: 'url', url, pool: 4 });
  t.teardown(() => sql.end());
  await migrate(sql);

  const fresh = async (_t: Test) => {
    await sql`truncate token_families, told_subjects, outbox`;
    return { families: createTokenFamilies(sql), outbox: createOutbox(sql) };
  };
  await t.test('token families', async (t) => tokenFamiliesContract(t, fresh));
  await t.test('outbox', async (t) => outboxContract(t, fresh));
});

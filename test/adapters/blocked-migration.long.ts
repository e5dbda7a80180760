import t from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { migrateTo } from '../support/migrate-to.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';

t.test(
  'a migration that waits for a long reader lets other statements pass, and is tried again',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const url = await testDatabase(t);
    const sql = connect({ kind: 'url', url, pool: 3 });
    t.teardown(() => sql.end({ timeout: 1 }));
    await migrateTo(sql, url, '220');

    let blocked = 0;
    let read = 0;
    let applied: Promise<readonly string[]> = Promise.resolve([]);
    await sql.begin(async (tx) => {
      await tx`select count(*) from outbox`;
      await new Promise<void>((resolve) => {
        applied = migrate(sql, undefined, () => {
          blocked += 1;
          resolve();
        });
      });
      // If the migration held up other statements, the statement timeout of the service would cancel this count.
      read = (await sql`select count(*) from outbox`).length;
    });
    t.equal(read, 1);
    t.equal((await applied)[0], '222 counted-mails');
    t.ok(blocked >= 1);
  },
);

import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { digest, RECORDS_OF_REFUSALS } from './digest.ts';
import { entry, rotationOf, someFamily } from './families.ts';
import { databaseTest } from './service-on-database.ts';

databaseTest('a digest sees every change of every table', async (t, sql) => {
  const families = createTokenFamilies(sql, { sessionsPerUser: 50 });
  const family = someFamily();
  const changes: Record<string, () => PromiseLike<unknown>> = {
    'a new row': () => families.open(family, []),
    'another row': () => families.open(someFamily(), []),
    'a rotation': () => families.rotate(rotationOf(family), []),
    'an entry': () => families.record(family.tokenFamily, [entry(family)]),
    'a notified subject': () =>
      families.record(family.tokenFamily, [entry(family, { oncePerDay: '198.51.100.7' })]),
    'one column': () =>
      sql`update token_families set rotated_at = rotated_at + interval '1 ms' where token_family = ${family.tokenFamily}`,
    'a null': () => sql`update token_families set contact = null where token_family = ${family.tokenFamily}`,
    'a revocation': () => families.revoke(family.tokenFamily, { at: 0, reason: 'logout' }, []),
    'a deleted row': () => sql`delete from told_subjects`,
    'a new table': () => sql`create table counters (n integer)`,
  };
  for (const [name, change] of Object.entries(changes)) {
    const before = await digest(sql);
    t.same(await digest(sql), before, 'the same while nothing changes');
    await change();
    t.notSame(await digest(sql), before, name);
  }
  const tables = await sql<
    { name: string }[]
  >`select tablename as name from pg_tables where schemaname = 'public'`;
  const named = [...Object.keys(await digest(sql)), ...RECORDS_OF_REFUSALS];
  t.same(named.sort(), tables.map(({ name }) => name).sort(), 'all tables');
  t.ok(tables.length > 4);
  const before = await digest(sql, ['counters']);
  await sql`insert into counters values (1)`;
  t.same(await digest(sql, ['counters']), before, 'excepted tables may change');
});

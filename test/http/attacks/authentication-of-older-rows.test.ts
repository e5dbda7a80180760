import { claimsOf } from '../../support/forge.ts';
import { databaseTest, serviceOnDatabase } from '../../support/service-on-database.ts';

databaseTest(
  'a session that an older release opened was authenticated when it was created',
  async (t, sql) => {
    const time = { now: Date.UTC(2026, 0, 2, 3, 4, 5, 678) };
    const service = await serviceOnDatabase(t, sql, { time });
    const opened = Math.floor(time.now / 1000);
    const pair = await service.open({ query: '&amr=pwd&acr=aal2' });
    // An older release neither writes nor reads these columns.
    await sql`update token_families set auth_time = null, amr = null, acr = null`;
    time.now += 60_000;
    const next = await service.next(pair, { 'idempotency-key': 'k' });
    const claims = claimsOf(next.accessToken);
    t.equal(claims.auth_time, opened);
    t.notOk('amr' in claims || 'acr' in claims, 'the method is unknown');
    t.same(await service.next(pair, { 'idempotency-key': 'k' }), next, 'a retry gets the same pair');
  },
);

databaseTest('an older release can still open sessions while this release runs', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  const columns = await sql<{ name: string }[]>`
    select attname as name from pg_attribute
    where attrelid = 'token_families'::regclass and attnum > 0 and not attisdropped
      and attname not in ('auth_time', 'amr', 'acr', 'token_family')`;
  const names = columns.map(({ name }) => `"${name}"`).join();
  // Inserts a row as the older release does, with the columns that it knows.
  await sql.unsafe(`
    insert into token_families (token_family, ${names}) select gen_random_uuid(), ${names} from token_families`);
  const found = await service.families.list(String(claimsOf(pair.accessToken).sub), {
    now: service.time.now,
    limit: 10,
    after: null,
  });
  t.equal(found.length, 2);
  for (const family of found) t.equal(family.authentication.authTime, family.createdAt);
});

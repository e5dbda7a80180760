import t from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { readSocketRecord } from '../../src/adapters/postgres/embedded/start.ts';
import { createVacuum } from '../../src/adapters/postgres/embedded/vacuum.ts';
import { createPurge } from '../../src/app/upkeep/purge.ts';
import { NOW, someFamily } from '../support/families.ts';
import { embeddedStores } from '../support/open-stores.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { POLICY } from '../support/sessions.ts';
import { waitUntil } from '../support/wait-until.ts';

const DAY = 86_400_000;
const SESSIONS = 2_000;

t.test('the embedded database does not grow with sessions that are purged', async (t) => {
  const { sql, families } = await embeddedStores(t);
  const live = someFamily({ expiresAt: NOW + 1_000 * DAY });
  await families.open(live, []);
  const purge = createPurge({
    families,
    vacuum: createVacuum(sql),
    policy: POLICY,
    clock: () => NOW + POLICY.refreshTokenAge + 10 * DAY,
    log: { info() {}, warn() {}, error() {} },
    telemetry: { removalFailed() {} },
  });
  const sizes: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    await openEndedSessions(sql, live.tokenFamily);
    sizes.push(await readSize(sql));
    let purged = 0;
    for (let batch = await purge(); batch > 0; batch = await purge()) purged += batch;
    t.equal(purged, SESSIONS);
  }
  const [first = 0] = sizes;
  // Without a vacuum each round would add the size of the first one.
  t.ok(Math.max(...sizes) < 2 * first, `bytes after each round: ${sizes.join(', ')}`);
});

t.test('the service vacuums its embedded database', async (t) => {
  const folder = await dataDir(t);
  await startServiceInProcess(t, { DATA_DIR: folder });
  const sql = connect({ kind: 'embedded', socketPath: (await readSocketRecord(folder)) ?? '' });
  t.teardown(() => sql.end({ timeout: 1 }));
  const readUnvacuumed = () =>
    sql`select relname from pg_class where relnamespace = 'public'::regnamespace and relname in ('users', 'outbox')
      and reltuples < 0`;
  await waitUntil(async () => (await readUnvacuumed()).length === 0);
});

/** Copies a session many times. The copies have ended. */
async function openEndedSessions(sql: Sql, tokenFamily: string): Promise<void> {
  const [{ columns }] = await sql<[{ columns: string }]>`
    select string_agg(quote_ident(column_name), ', ') as columns from information_schema.columns
    where table_name = 'token_families' and is_generated = 'NEVER'
      and column_name not in ('token_family', 'user_id', 'expires_at')`;
  await sql.unsafe(
    `insert into token_families (token_family, user_id, expires_at, ${columns})
    select gen_random_uuid(), gen_random_uuid(), $1, ${columns}
    from token_families, generate_series(1, ${SESSIONS}) where token_family = $2`,
    [new Date(NOW), tokenFamily],
  );
}

/** The bytes of the table and its indexes. */
async function readSize(sql: Sql): Promise<number> {
  const [{ size }] = await sql<[{ size: number }]>`
    select pg_total_relation_size('token_families')::float8 as size`;
  return size;
}

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { auditEvent } from '../../src/domain/audit.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import { entry, NOW, rotationOf, someFamily } from '../support/families.ts';
import { postgresStores, type SqlStores } from '../support/open-stores.ts';

const ROUNDS = 40;
const SESSIONS_OF_ROUND = 20;
const SESSIONS = ROUNDS * SESSIONS_OF_ROUND;
/** The most rows of a table that are read for each session. A scan of all live sessions reads hundreds. */
const MOST_READS = 30;
/** Milliseconds after which PostgreSQL reports the reads of a connection with its next statement. */
const REPORT_INTERVAL = 1_100;

/**
 * The plans that a connection keeps are made while the tables are empty. They stay until the first automatic analysis,
 * a minute later.
 */
t.test('no change of a session reads more rows of a new table as the table grows', async (t) => {
  const stores = await postgresStores(t, 1);
  if (stores === null) return;
  const tables = [
    'token_families',
    'user_states',
    'known_devices',
    'outbox',
    'security_events',
    'told_subjects',
  ];
  for (const table of tables)
    await stores.sql`alter table ${stores.sql(table)} set (autovacuum_enabled = off)`;
  for (let round = 0; round < ROUNDS; round += 1) {
    const families = Array.from({ length: SESSIONS_OF_ROUND }, () => someFamily());
    await Promise.all(families.map((family) => changeEachWay(stores, family)));
    await seal(stores, round + 1);
  }
  await delay(REPORT_INTERVAL);
  await stores.sql`select 1`;
  const reads = await stores.sql<{ table: string; count: string }[]>`
    select relname as table, seq_tup_read + coalesce(idx_tup_fetch, 0) as count
    from pg_stat_user_tables where relname in ${stores.sql(tables)}`;
  t.equal(reads.length, tables.length);
  t.ok(
    reads.some(({ count }) => Number(count) >= SESSIONS),
    'the reads were reported',
  );
  for (const { table, count } of reads) {
    t.ok(Number(count) / SESSIONS <= MOST_READS, `${table}: ${Number(count) / SESSIONS} for each session`);
  }
});

/** About three of eight sessions stay live. */
async function changeEachWay({ families }: SqlStores, family: TokenFamily): Promise<void> {
  await families.open(family, [entry(family), startedEntry(family)]);
  const first = await families.rotate(rotationOf(family), []);
  if (first === null) throw new Error('the family was not rotated');
  await families.rotate(rotationOf(first), [entry(first)]);
  await families.update(family, { deviceName: 'a laptop' }, []);
  if (Number.parseInt(family.tokenFamily[0] ?? '', 16) % 3 === 0) return;
  await families.revoke(family.tokenFamily, { at: NOW, reason: 'logout' }, []);
}

function startedEntry({ tokenFamily: sessionId, userId, address, userAgent }: TokenFamily) {
  const data = { sessionId, userId, address, userAgent };
  const event = { type: 'sessions.started', occurredAt: NOW, data } as const;
  const audited = auditEvent(randomUUID(), { event }, { actor: { kind: 'user' }, address, userAgent });
  if (audited === null) throw new Error('the start of a session is not audited');
  return { ...audited, kind: 'audit' } as const;
}

/** Leaves half of the new events without a seal. */
async function seal({ auditSeals }: SqlStores, number: number): Promise<void> {
  const unsealed = await auditSeals.listUnsealed(SESSIONS_OF_ROUND / 2);
  const events = unsealed.map(({ id }) => ({ id, mac: 'mac' }));
  const isSealed = await auditSeals.append({
    number,
    keyId: 'k',
    sealedAt: NOW,
    previous: '',
    events,
    mac: 'mac',
  });
  if (!isSealed) throw new Error(`the seal ${number} was refused`);
}

import type postgres from 'postgres';
import type { OutboxEntry } from '../../ports/stores/outbox.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { asked } from './asked.ts';
import type { Sql } from './connect.ts';
import { bytes, type FamilyRow, familyColumns, pairColumns, toFamily } from './family-row.ts';

type Change = postgres.PendingQuery<postgres.Row[]>;

/** Token families in PostgreSQL: each method is one statement, and so one transaction (READ COMMITTED). */
export function createTokenFamilies(sql: Sql): TokenFamilies {
  return {
    async open(family, entries) {
      const change = sql`insert into token_families ${sql(familyColumns(family))} returning *`;
      await asked(recording(sql, change, entries));
    },

    async find(tokenFamily) {
      const rows = await asked(
        sql<FamilyRow[]>`select * from token_families where token_family = ${tokenFamily}`,
      );
      return firstFamily(rows);
    },

    async rotate({ expected, next, unlessRetryKey }, entries) {
      const retryKey = unlessRetryKey === null ? null : bytes(unlessRetryKey);
      const change = sql`
        update token_families set ${sql(pairColumns(next))}
        where token_family = ${expected.tokenFamily}
          and user_id = ${expected.userId}
          and generation = ${expected.generation}
          and hashed_refresh_token_id = ${bytes(expected.hashedRefreshTokenId)}
          and scheme = ${expected.scheme}
          and on_address_change = ${expected.onAddressChange}
          and on_user_agent_change = ${expected.onUserAgentChange}
          and (on_user_agent_change = 'ignore' or user_agent = ${expected.userAgent})
          and (retry_key_hash <> ${retryKey}) is not false
          and revoked_at is null
          and expires_at > ${new Date(next.rotatedAt)}
        returning *`;
      return firstFamily(await asked(recording(sql, change, entries)));
    },

    async revoke(tokenFamily, { at, reason }, entries) {
      const change = sql`
        update token_families set revoked_at = ${new Date(at)}, revoked_reason = ${reason}
        where token_family = ${tokenFamily} and revoked_at is null
        returning *`;
      const rows = await asked(recording(sql, change, entries));
      return rows.length > 0;
    },

    async record(tokenFamily, entries) {
      const family = sql`select * from token_families where token_family = ${tokenFamily}`;
      await asked(recording(sql, family, entries));
    },
  };
}

function firstFamily([row]: readonly FamilyRow[]) {
  return row === undefined ? null : toFamily(row);
}

/**
 * The change by itself, or, where there is something to tell, one statement that makes the change and records
 * the entries from the row that it answers: no row, no entry.
 */
function recording(sql: Sql, change: Change, entries: readonly OutboxEntry[]) {
  if (entries.length === 0) return sql<FamilyRow[]>`${change}`;
  return sql<FamilyRow[]>`
    with changed as (${change}),
    entry as (
      select * from jsonb_to_recordset(${JSON.stringify(entries.map(toRecord))}::text::jsonb)
        as e(id uuid, kind text, type text, data jsonb, occurred_at timestamptz, subject text)
    ),
    told as (
      insert into told_subjects (token_family, subject, day)
      select distinct changed.token_family, entry.subject, (entry.occurred_at at time zone 'utc')::date
      from changed, entry
      where entry.subject <> all (changed.known_since_login)
      on conflict do nothing
      returning subject
    ),
    recorded as (
      insert into outbox (id, kind, type, data, occurred_at, contact, due_at)
      select entry.id, entry.kind, entry.type, entry.data, entry.occurred_at, changed.contact, entry.occurred_at
      from changed, entry
      where entry.subject is null or entry.subject in (select subject from told)
    )
    select * from changed`;
}

function toRecord({ id, kind, event, oncePerDay }: OutboxEntry) {
  const { type, data, occurredAt } = event;
  const subject = oncePerDay ?? null;
  return { id, kind, type, data, occurred_at: new Date(occurredAt).toISOString(), subject };
}

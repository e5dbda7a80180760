import type { Seal } from '../../domain/audit-seal.ts';
import type { AuditSeals } from '../../ports/stores/audit-seals.ts';
import { AUDIT_COLUMNS, type AuditRow, toAuditEvent } from './audit-row.ts';
import type { Sql } from './connect.ts';
import { execute, violates } from './execute.ts';

interface SealRow {
  number: string;
  key_id: string;
  sealed_at: Date;
  previous: string;
  rows: [id: string, mac: string][];
  mac: string;
}

const SEAL_COLUMNS = ['number', 'key_id', 'sealed_at', 'previous', 'rows', 'mac'] as const;

/** Thrown to roll back a seal if another replica has already sealed one of its events. */
class SealedMeanwhile extends Error {}

/** Seals in PostgreSQL. The primary key of `security_seals` decides which replica is first. */
export function createAuditSeals(sql: Sql): AuditSeals {
  return {
    async listUnsealed(limit) {
      const rows = await execute(sql<AuditRow[]>`
        select ${sql(AUDIT_COLUMNS)} from security_events where seal is null
        order by occurred_at, id
        limit ${limit}`);
      return rows.map(toAuditEvent);
    },

    async findHead() {
      const rows = await execute(sql<{ number: string; mac: string }[]>`
        (select number, mac from security_seals order by number desc limit 1)
        union all
        select number, seal_mac from security_seal_mark
        order by number desc
        limit 1`);
      return rows[0] === undefined ? null : { number: Number(rows[0].number), mac: rows[0].mac };
    },

    async append(seal) {
      const appended = sql.begin(async (tx) => {
        const rows = JSON.stringify(seal.events.map(({ id, mac }) => [id, mac]));
        await tx`
          insert into security_seals (number, key_id, sealed_at, previous, rows, mac)
          values (${seal.number}, ${seal.keyId}, ${new Date(seal.sealedAt)}, ${seal.previous},
            ${rows}::text::jsonb, ${seal.mac})`;
        // Not `seal is null`: on a table without statistics PostgreSQL would read the index of all unsealed events.
        const { count } = await tx`
          update security_events set seal = ${seal.number}
          where id = any (${seal.events.map(({ id }) => id)}::uuid[]) and coalesce(seal, -1) = -1`;
        if (count !== seal.events.length) throw new SealedMeanwhile();
        return true;
      });
      return execute(appended).catch(falseIfSealed);
    },

    async list(after, limit) {
      const rows = await execute(sql<SealRow[]>`
        select ${sql(SEAL_COLUMNS)} from security_seals where number > ${after} order by number limit ${limit}`);
      return rows.map(toSeal);
    },

    async listEvents(number) {
      const rows = await execute(sql<AuditRow[]>`
        select ${sql(AUDIT_COLUMNS)} from security_events where seal = ${number}`);
      return rows.map(toAuditEvent);
    },

    async findStray() {
      const rows = await execute(sql<{ id: string; seal: string }[]>`
        select id, seal from security_events
        where seal is not null and not exists (select from security_seals where number = seal)
        limit 1`);
      return rows[0] === undefined ? null : { id: rows[0].id, seal: Number(rows[0].seal) };
    },

    async findMark() {
      const rows = await execute(sql<{ number: string; seal_mac: string; key_id: string; mac: string }[]>`
        select number, seal_mac, key_id, mac from security_seal_mark`);
      const [row] = rows;
      if (row === undefined) return null;
      return {
        removed: { number: Number(row.number), mac: row.seal_mac },
        keyId: row.key_id,
        mac: row.mac,
      };
    },

    async purge({ removed, keyId, mac }) {
      const { number } = removed;
      const purge = sql.begin(async (tx) => {
        await tx`
          insert into security_seal_mark as mark (number, seal_mac, key_id, mac)
          values (${number}, ${removed.mac}, ${keyId}, ${mac})
          on conflict (is_only) do update
          set number = excluded.number, seal_mac = excluded.seal_mac, key_id = excluded.key_id, mac = excluded.mac
          where mark.number < excluded.number`;
        await tx`delete from security_events where seal <= ${number}`;
        await tx`delete from security_seals where number <= ${number}`;
      });
      await execute(purge);
    },
  };
}

function toSeal({ number, key_id, sealed_at, previous, rows, mac }: SealRow): Seal {
  return {
    number: Number(number),
    keyId: key_id,
    sealedAt: sealed_at.getTime(),
    previous,
    events: rows.map(([id, mac]) => ({ id, mac })),
    mac,
  };
}

function falseIfSealed(error: unknown): false {
  if (error instanceof SealedMeanwhile || violates(error, 'security_seals_pkey')) return false;
  throw error;
}

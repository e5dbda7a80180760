import type { RevocationReason } from '../../domain/revocation.ts';
import type { Sql } from './connect.ts';

export interface Revocation {
  readonly tokenFamily: string;
  readonly reason: RevocationReason;
  /** Milliseconds since the epoch, by the clock of the revoking replica. */
  readonly revokedAt: number;
}

interface Row {
  token_family: string;
  revoked_reason: RevocationReason;
  revoked_at: Date;
}

/** The revocations later than `after` (milliseconds since the epoch), oldest first. */
export async function loadRevocations(sql: Sql, after: number): Promise<readonly Revocation[]> {
  return toRevocations(await selectRevocations(sql, after));
}

/** The statement of {@link loadRevocations}. {@link execute} can cancel it while it waits for a connection. */
export function selectRevocations(sql: Sql, after: number) {
  return sql<Row[]>`
    select token_family, revoked_reason, revoked_at from token_families
    where revoked_at > ${new Date(after)}
    order by revoked_at`;
}

export function toRevocations(rows: readonly Row[]): readonly Revocation[] {
  return rows.map((row) => ({
    tokenFamily: row.token_family,
    reason: row.revoked_reason,
    revokedAt: row.revoked_at.getTime(),
  }));
}

/** Reads the payload of the trigger's notification. Returns null for any other payload. */
export function readRevocation(payload: string): Revocation | null {
  const { token_family, reason, revoked_at } = parseObject(payload);
  if (typeof token_family !== 'string' || typeof reason !== 'string' || typeof revoked_at !== 'number')
    return null;
  return { tokenFamily: token_family, reason: reason as RevocationReason, revokedAt: revoked_at };
}

function parseObject(payload: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(payload) };
  } catch {
    return {};
  }
}

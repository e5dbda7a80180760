import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import type { Executor } from './with-outbox.ts';

/** Any number but the migrators', the same for ever: it names the lock that keeps purgers apart. */
const LOCK = 7_271_046_104;

/**
 * One batch, in one statement: what ended first goes first, with the subjects told of it. The lock is not waited
 * for, and is let go with the statement. A family that somebody holds stays for the next time; so the purge waits
 * for nobody. Two clocks must agree that a family ended: one that is far ahead would remove what cannot be brought
 * back.
 */
export function purgeSql(sql: Executor, endedBefore: number, limit: number) {
  return sql<[{ mine: boolean; count: number }]>`
    with turn as materialized (select pg_try_advisory_xact_lock(${LOCK}) as mine),
    ended as (
      select token_family from token_families
      where (select mine from turn)
        and coalesce(revoked_at, expires_at) < least(${new Date(endedBefore)}, now())
      order by coalesce(revoked_at, expires_at)
      limit ${limit}
      for update skip locked
    ),
    purged as (
      delete from token_families where token_family in (select token_family from ended) returning token_family
    )
    select mine, (select count(*)::int from purged) as count from turn`;
}

/** How many families can be purged; null where the database cannot count them in time. */
export async function countPurgeable(sql: Sql, endedBefore: number): Promise<number | null> {
  const counted = sql<[{ count: number }]>`
    select count(*)::int as count from token_families
    where coalesce(revoked_at, expires_at) < least(${new Date(endedBefore)}, now())`;
  return execute(counted).then(
    ([{ count }]) => count,
    () => null,
  );
}

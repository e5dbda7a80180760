import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import type { Executor } from './with-outbox.ts';

/**
 * The key of the advisory lock that excludes concurrent purges. The key must never change, and must differ
 * from the key of the migrations.
 */
const PURGE_LOCK = 7_271_046_104;

/**
 * Purges one batch in one statement: the families that ended first. The foreign key also deletes their rows of
 * `told_subjects`. `locked` tells whether this statement got the lock. The statement waits for no lock, and skips
 * locked families.
 *
 * The clocks of the service and of the database must both be past the end of a family. Otherwise a clock that is ahead
 * would remove live families.
 */
export function purgeSql(sql: Executor, endedBefore: number, limit: number) {
  return sql<[{ locked: boolean; count: number }]>`
    with lock as materialized (select pg_try_advisory_xact_lock(${PURGE_LOCK}) as locked),
    ended as (
      select token_family from token_families
      where (select locked from lock)
        and coalesce(revoked_at, expires_at) < least(${new Date(endedBefore)}, now())
      order by coalesce(revoked_at, expires_at)
      limit ${limit}
      for update skip locked
    ),
    purged as (
      delete from token_families where token_family in (select token_family from ended) returning token_family
    )
    select locked, (select count(*)::int from purged) as count from lock`;
}

/** Counts the families that can be purged. Null if the count fails, for example because it takes too long. */
export async function countPurgeable(sql: Sql, endedBefore: number): Promise<number | null> {
  const counted = sql<[{ count: number }]>`
    select count(*)::int as count from token_families
    where coalesce(revoked_at, expires_at) < least(${new Date(endedBefore)}, now())`;
  return execute(counted).then(
    ([{ count }]) => count,
    () => null,
  );
}

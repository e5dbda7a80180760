import { asked } from './asked.ts';
import type { Sql } from './connect.ts';
import { isSameId, onlyRow } from './own-answer.ts';
import type { createRecorder, Executor, RevokedBatch, SessionRevocation } from './recording.ts';

type Recorder = ReturnType<typeof createRecorder>;

/** Revokes sessions within a transaction, batch by batch. Answers their ids. */
export function revokeSessions(
  tx: Executor,
  record: Recorder,
  revocation: SessionRevocation,
): Promise<readonly string[]> {
  return revokeInBatches(revocation.userId, () => record.revocation(tx, revocation));
}

/**
 * Revokes the sessions of a user beyond a limit, each batch in a transaction of its own, so that a later transaction
 * that ends all the others is short. A user has that many only from a time without a limit, or with a higher one.
 */
export function revokeSurplus(
  sql: Sql,
  record: Recorder,
  revocation: Omit<SessionRevocation, 'reason'>,
): Promise<readonly string[]> {
  return revokeInBatches(revocation.userId, () =>
    asked(record.revocation(sql, { ...revocation, reason: 'session_limit' })),
  );
}

async function revokeInBatches(
  userId: string,
  revokeBatch: () => PromiseLike<readonly RevokedBatch[]>,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let more = true; more; ) {
    const batch = onlyRow(await revokeBatch(), (row) => isSameId(row.user_id, userId));
    if (batch === null) throw new Error('revoke_sessions returned no row.');
    ids.push(...batch.revoked);
    more = batch.more;
  }
  return ids;
}

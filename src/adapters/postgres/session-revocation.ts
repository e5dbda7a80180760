import type { TransactionSql } from 'postgres';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { isSameId, onlyRow } from './own-answer.ts';
import type { createWithOutbox, RevokedBatch, SessionRevocation } from './with-outbox.ts';

type Recorder = ReturnType<typeof createWithOutbox>;

/** A transaction that revokes sessions. Answers their ids, or null if it changed nothing. */
export type RevokingTransaction = (tx: TransactionSql) => Promise<readonly string[] | null>;

/** A user has more sessions than one statement revokes: the transaction is rolled back. */
class TooManySessions extends Error {
  readonly revocation: SessionRevocation;

  constructor(revocation: SessionRevocation) {
    super(`User ${revocation.userId} has more sessions than one statement revokes.`);
    this.revocation = revocation;
  }
}

/** Revokes sessions within a transaction of {@link runRevokingTransaction}, and answers their ids. */
export async function revokeSessions(
  tx: TransactionSql,
  record: Recorder,
  revocation: SessionRevocation,
): Promise<readonly string[]> {
  const { revoked, more } = ownBatch(await record.revocation(tx, revocation), revocation);
  if (more) throw new TooManySessions(revocation);
  return revoked;
}

/**
 * Runs a transaction that revokes sessions with {@link revokeSessions}. Where the user has too many for one statement,
 * from a time without a limit or with a higher one, those beyond the limit end first, each batch in a transaction of
 * its own. Answers all that ended, or null where the transaction answers null.
 */
export async function runRevokingTransaction(
  sql: Sql,
  record: Recorder,
  sessionsPerUser: number,
  work: RevokingTransaction,
): Promise<readonly string[] | null> {
  const run = () => execute(sql.begin(work) as Promise<readonly string[] | null>);
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof TooManySessions)) throw error;
    const { revocation } = error;
    const surplus = await revokeSurplus(sql, record, { ...revocation, kept: sessionsPerUser });
    const ended = await run();
    return ended && [...surplus, ...ended];
  }
}

async function revokeSurplus(sql: Sql, record: Recorder, revocation: SessionRevocation): Promise<string[]> {
  const surplus = { ...revocation, reason: 'session_limit' } as const;
  const ids: string[] = [];
  for (let more = true; more; ) {
    const batch = ownBatch(await execute(record.revocation(sql, surplus)), surplus);
    ids.push(...batch.revoked);
    more = batch.more;
  }
  return ids;
}

function ownBatch(rows: readonly RevokedBatch[], { userId }: SessionRevocation): RevokedBatch {
  const batch = onlyRow(rows, (row) => isSameId(row.user_id, userId));
  if (batch === null) throw new Error('revoke_sessions returned no row.');
  return batch;
}

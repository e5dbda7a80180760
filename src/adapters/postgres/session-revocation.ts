import type { TransactionSql } from 'postgres';
import { asSystem } from '../../domain/audit.ts';
import { isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { userKey } from './user-key.ts';
import type { OutboxWriter, RevokedBatch, SessionRevocation } from './with-outbox.ts';

/** A transaction that revokes sessions. Returns their ids, or null if it changed nothing. */
export type RevokingTransaction = (tx: TransactionSql) => Promise<readonly string[] | null>;

/** Thrown to roll back a transaction if the user has more sessions than one statement revokes. */
export class TooManySessions extends Error {
  readonly revocation: SessionRevocation;

  constructor(revocation: SessionRevocation) {
    super(`User ${revocation.userId} has more sessions than one statement revokes.`);
    this.revocation = revocation;
  }
}

/** Revokes sessions within a transaction of {@link runRevokingTransaction}, and returns their ids. */
export async function revokeSessions(
  tx: TransactionSql,
  outboxWriter: OutboxWriter,
  revocation: SessionRevocation,
): Promise<readonly string[]> {
  const { revoked, more } = onlyBatch(await outboxWriter.revokeSessions(tx, revocation), revocation);
  if (more) throw new TooManySessions(revocation);
  return revoked;
}

/**
 * Runs a transaction that revokes sessions with {@link revokeSessions}, and returns the ids of all ended sessions.
 * Returns null if the transaction returns null.
 *
 * A user may have more sessions than one statement revokes, if the limit was higher before. Then the sessions beyond
 * the limit are revoked first, each batch in its own transaction, and `work` runs again.
 */
export async function runRevokingTransaction(
  sql: Sql,
  outboxWriter: OutboxWriter,
  sessionsPerUser: number,
  work: RevokingTransaction,
): Promise<readonly string[] | null> {
  const run = () => execute(sql.begin(work) as Promise<readonly string[] | null>);
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof TooManySessions)) throw error;
    const { revocation } = error;
    const surplus = await revokeSurplus(sql, outboxWriter, { ...revocation, keptCount: sessionsPerUser });
    const ended = await run();
    return ended && [...surplus, ...ended];
  }
}

async function revokeSurplus(
  sql: Sql,
  outboxWriter: OutboxWriter,
  revocation: SessionRevocation,
): Promise<string[]> {
  const origin = asSystem(revocation.origin);
  const surplus = { ...revocation, origin, reason: 'session_limit' } as const;
  const ids: string[] = [];
  for (let more = true; more; ) {
    const batch = onlyBatch(await execute(outboxWriter.revokeSessions(sql, surplus)), surplus);
    ids.push(...batch.revoked);
    more = batch.more;
  }
  return ids;
}

function onlyBatch(rows: readonly RevokedBatch[], { userId }: SessionRevocation): RevokedBatch {
  const batch = onlyRow(rows, (row) => isSameId(row.user_id, userKey(userId)));
  if (batch === null) throw new Error('revoke_sessions returned no row.');
  return batch;
}

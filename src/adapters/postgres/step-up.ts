import type { TransactionSql } from 'postgres';
import type { IdentityProofUse } from '../../domain/identity-proof.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { StepUp } from '../../ports/stores/token-families.ts';
import { isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { decodeHash, RETURNED_COLUMNS, type ReturnedRow, toRotatedFamily } from './family-row.ts';
import { stepUpSql } from './rotate-sql.ts';
import { useChallenge, useProofSql } from './use-proof.ts';
import { userKey } from './user-key.ts';
import type { OutboxWriter } from './with-outbox.ts';

/** Thrown to roll back a step-up: the proof is not valid any more, or the family is not as expected. */
class NotSteppedUp extends Error {}

/**
 * Accepts the proof, rotates the family and replaces its cookie in one transaction. The transaction locks the user's
 * row before the family, as a change of the password does.
 */
export async function stepUp(
  sql: Sql,
  outboxWriter: OutboxWriter,
  change: StepUp,
  entries: readonly ChangeEntry[],
): Promise<TokenFamily | null> {
  const { tokenFamily, userId } = change.expected;
  const transaction = sql.begin(async (tx) => {
    if (!(await acceptProof(tx, userId, change.proof, change.next.rotatedAt))) throw new NotSteppedUp();
    const rows = await outboxWriter.changeFamily<ReturnedRow>(
      tx,
      stepUpSql(tx, change),
      entries,
      RETURNED_COLUMNS,
    );
    const row = onlyRow(rows, (row) => isSameId(row.token_family, tokenFamily));
    if (row === null || !(await replaceCookie(tx, change))) throw new NotSteppedUp();
    return toRotatedFamily(change, row);
  });
  return execute(transaction).catch((error: unknown) => {
    if (error instanceof NotSteppedUp) return null;
    throw error;
  });
}

/** False if the family has no cookie to replace. */
async function replaceCookie(
  tx: TransactionSql,
  { expected: { tokenFamily }, hashedCookie }: StepUp,
): Promise<boolean> {
  if (hashedCookie === undefined) return true;
  const { count } = await tx`
    update account_page_sessions set hashed_token = ${decodeHash(hashedCookie)} where token_family = ${tokenFamily}`;
  return count === 1;
}

/** Marks the proof as used, except a password. False if the proof is not valid any more, or was used before. */
async function acceptProof(
  tx: TransactionSql,
  userId: string,
  proof: IdentityProofUse,
  at: number,
): Promise<boolean> {
  if (proof.kind === 'password') {
    const accounts = await tx`
      select id from users where id = ${userKey(userId)} and password_hash = ${proof.passwordHash} and not has_second_factor for share`;
    return accounts.length === 1;
  }
  await tx`select id from users where id = ${userKey(userId)} for share`;
  if (proof.challenge !== undefined && !(await useChallenge(tx, proof.challenge))) return false;
  return (await useProofSql(tx, userId, proof, at)).length === 1;
}

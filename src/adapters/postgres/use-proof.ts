import type { ChallengeAnswer } from '../../domain/challenge.ts';
import type { FactorProofUse } from '../../domain/second-factor.ts';
import { decodeHash } from './family-row.ts';
import { userKey } from './user-key.ts';
import type { Executor } from './with-outbox.ts';

/**
 * Marks a verified proof of a user as used. Returns one row, or no row if the proof was used before or its factor was
 * removed. Run it in the transaction of the change that needs the proof, so that a change that fails uses no proof.
 *
 * @param at milliseconds since the epoch
 */
export function useProofSql(sql: Executor, userId: string, use: FactorProofUse, at: number) {
  if (use.kind === 'recovery_code') {
    return sql<{ user_id: string }[]>`
      delete from recovery_codes where user_id = ${userKey(userId)} and hashed_code = ${decodeHash(use.hash)}
      returning user_id`;
  }
  if (use.kind === 'passkey') {
    return sql<{ user_id: string }[]>`
      update user_factors set sign_count = ${use.signCount}, is_backed_up = ${use.isBackupEligible},
        last_used_at = ${new Date(at)}
      where id = ${use.factorId} and user_id = ${userKey(userId)} and confirmed_at is not null
        and (sign_count < ${use.signCount} or (sign_count = 0 and ${use.signCount} = 0))
      returning user_id`;
  }
  return sql<{ user_id: string }[]>`
    update user_factors set last_step = ${use.step}, last_used_at = ${new Date(at)}
    where id = ${use.factorId} and user_id = ${userKey(userId)} and confirmed_at is not null
      and (last_step is null or last_step < ${use.step})
    returning user_id`;
}

/** Marks an answered challenge as used. False if another answer was first. */
export async function useChallenge(
  sql: Executor,
  { hashedNonce, expiresAt }: ChallengeAnswer,
): Promise<boolean> {
  const { count } = await sql`
    insert into login_challenges as challenge (hashed_nonce, answers, is_used, expires_at)
    values (${decodeHash(hashedNonce)}, 1, true, ${new Date(expiresAt)})
    on conflict (hashed_nonce) do update set is_used = true where not challenge.is_used`;
  return count === 1;
}

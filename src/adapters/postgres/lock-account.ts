import type { TransactionSql } from 'postgres';
import { FIRST_SECURITY_VERSION } from '../../domain/second-factor.ts';
import type { ChangeCondition } from '../../ports/stores/change-condition.ts';
import { lockUserState } from './update-family.ts';
import { isOfUser, userKey } from './user-key.ts';

/**
 * Locks the row of an account. Null if there is no such account, or if the condition does not hold. With a condition,
 * also locks the state of the user and the session. Every change takes these locks in this order.
 */
export async function lockAccount(
  tx: TransactionSql,
  userId: string,
  condition: ChangeCondition | null,
): Promise<{ has_second_factor: boolean } | null> {
  const [account] = await tx<{ has_second_factor: boolean }[]>`
    select has_second_factor from users where id = ${userKey(userId)} for no key update`;
  if (account === undefined) return null;
  return condition === null || (await holds(tx, userId, condition)) ? account : null;
}

/** Uses several statements: each sees what was committed while the statement before it waited for a lock. */
async function holds(
  tx: TransactionSql,
  userId: string,
  { securityVersion, sessionId, now }: ChangeCondition,
): Promise<boolean> {
  await lockUserState(tx, userId);
  if ((await securityVersionOf(tx, userId)) !== securityVersion) return false;
  const live = await tx`
    select from token_families
    where token_family = ${sessionId} and ${isOfUser(tx, userId)}
      and coalesce(revoked_at, 'infinity') = 'infinity' and expires_at > ${new Date(now)}
    for share`;
  return live.length === 1;
}

/** The security version of a user. The caller must have locked the account in an earlier statement. */
export async function securityVersionOf(tx: TransactionSql, userId: string): Promise<string> {
  const [state] = await tx<{ security_version: string }[]>`
    select security_version from user_states where user_id = ${userKey(userId)}`;
  return state?.security_version ?? FIRST_SECURITY_VERSION;
}

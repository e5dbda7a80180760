import type { TransactionSql } from 'postgres';
import type { TokenFamily } from '../../domain/token-family.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { FamilyChanges } from '../../ports/stores/token-families.ts';
import { isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { FAMILY_COLUMNS, type FamilyRow, toFamily } from './family-row.ts';
import { isOfUser, userKey } from './user-key.ts';
import type { OutboxWriter } from './with-outbox.ts';

/** Changes a family under the lock of its user's state, because its next claims depend on the claims of the user. */
export async function updateFamily(
  sql: Sql,
  outboxWriter: OutboxWriter,
  { tokenFamily, userId }: Pick<TokenFamily, 'tokenFamily' | 'userId'>,
  { deviceName, sessionClaims }: FamilyChanges,
  entries: readonly ChangeEntry[],
): Promise<TokenFamily | null> {
  const claims = sessionClaims === undefined ? null : JSON.stringify(sessionClaims);
  const change = sql.begin(async (tx) => {
    await lockUserState(tx, userId);
    const update = tx`
      update token_families family set
        device_name = case when ${deviceName === undefined} then device_name else ${deviceName ?? null} end,
        session_claims = coalesce(${claims}::text::jsonb, session_claims),
        next_claims = case when ${claims}::text is null then next_claims else
          coalesce((select state.claims from user_states state where state.user_id = family.user_id), '{}')
            || ${claims}::text::jsonb end
      where token_family = ${tokenFamily} and ${isOfUser(tx, userId)}
        and coalesce(revoked_at, 'infinity') = 'infinity'
        and (${deviceName !== undefined} and device_name is distinct from ${deviceName ?? null}
          or coalesce(session_claims, '{}') <> ${claims}::text::jsonb)
      returning ${tx(FAMILY_COLUMNS)}`;
    return outboxWriter.changeFamily<FamilyRow>(tx, update, entries, FAMILY_COLUMNS);
  });
  const row = onlyRow(await execute(change as Promise<FamilyRow[]>), (found) =>
    isSameId(found.token_family, tokenFamily),
  );
  return row && toFamily(row);
}

/** Locks the row with the state of a user. Inserts the row first if it is missing. */
export async function lockUserState(tx: TransactionSql, userId: string): Promise<void> {
  await tx`
    insert into user_states as state (user_id) values (${userKey(userId)})
    on conflict (user_id) do update set user_id = state.user_id where false`;
}

import type { TransactionSql } from 'postgres';
import { originOfChange } from '../../domain/audit.ts';
import { type Claims, NO_CLAIMS } from '../../domain/claims.ts';
import { initialUserState } from '../../domain/user-state.ts';
import type { UserStates } from '../../ports/stores/user-states.ts';
import { isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import type { SessionStoreOptions } from './open-session.ts';
import { revokeSessions, runRevokingTransaction } from './session-revocation.ts';
import { lockUserState } from './update-family.ts';
import { userKey } from './user-key.ts';
import { createOutboxWriter } from './with-outbox.ts';

interface StateRow {
  user_id: string;
  disabled_at: Date | null;
  claims: Claims | null;
}

/**
 * The states of users in PostgreSQL. Each change locks the row of `user_states` before the families, as a login does.
 * So the next statement of the change sees every session that was opened before.
 */
export function createUserStates(
  sql: Sql,
  { sessionsPerUser, currentTrace = () => null }: SessionStoreOptions,
): UserStates {
  const outboxWriter = createOutboxWriter(currentTrace);

  return {
    async find(userId) {
      const key = userKey(userId);
      const rows = await execute(sql<StateRow[]>`
        select user_id, disabled_at, claims from user_states where user_id = ${key}`);
      const row = onlyRow(rows, (row) => isSameId(row.user_id, key));
      if (row === null) return initialUserState(userId);
      return { userId, disabledAt: row.disabled_at?.getTime() ?? null, claims: row.claims ?? NO_CLAIMS };
    },

    async disable(userId, at, entries) {
      const work = async (tx: TransactionSql) => {
        const change = tx`
          insert into user_states as state (user_id, disabled_at, security_version)
          values (${userKey(userId)}, ${new Date(at)}, gen_random_uuid())
          on conflict (user_id) do update
            set disabled_at = excluded.disabled_at, security_version = excluded.security_version
            where state.disabled_at is null
          returning user_id as id, null::text as email`;
        const changed = await outboxWriter.changeUser(tx, change, entries);
        if (changed.length === 0) return null;
        const ending = {
          userId,
          keptCount: 0,
          sparedSession: null,
          at,
          reason: 'disabled',
          origin: originOfChange(entries),
        } as const;
        return revokeSessions(tx, outboxWriter, ending);
      };
      const sessions = await runRevokingTransaction(sql, outboxWriter, sessionsPerUser, work);
      return sessions && { sessions };
    },

    async enable(userId, entries) {
      const key = userKey(userId);
      const change = sql`
        update user_states set disabled_at = null, security_version = gen_random_uuid()
        where user_id = ${key} and disabled_at is not null
        returning user_id as id, null::text as email`;
      const rows = await execute(outboxWriter.changeUser(sql, change, entries));
      return onlyRow(rows, (row) => isSameId(row.id, key)) !== null;
    },

    async setClaims(userId, claims, entries) {
      const key = userKey(userId);
      const json = JSON.stringify(claims);
      const change = sql.begin(async (tx) => {
        await lockUserState(tx, userId);
        const state = tx`
          update user_states set claims = ${json}::text::jsonb
          where user_id = ${key} and coalesce(claims, '{}') <> ${json}::text::jsonb
          returning user_id as id, null::text as email`;
        const changed = await outboxWriter.changeUser(tx, state, entries);
        if (changed.length === 0) return false;
        await tx`
          update token_families set next_claims = ${json}::text::jsonb || coalesce(session_claims, '{}')
          where user_id = ${key} and revoked_at is null`;
        return true;
      });
      return execute(change as Promise<boolean>);
    },
  };
}

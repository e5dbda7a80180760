import type { TransactionSql } from 'postgres';
import { type Claims, claimNames, NO_CLAIMS } from '../../domain/claims.ts';
import { type AccountKey, type ImportVerdict, judgeImport } from '../../domain/imported-user.ts';
import { identifiersOf } from '../../domain/user.ts';
import type { AuditEntry } from '../../ports/stores/audit-log.ts';
import type { ImportedUser, UserTransfer } from '../../ports/stores/user-transfer.ts';
import { insertEvent } from './audit-row.ts';
import type { Sql } from './connect.ts';
import { execute, violates } from './execute.ts';
import { toColumns, toUser, type UserRow, userColumns } from './user-row.ts';
import { isTakenIdentifier } from './users.ts';

/** An attempt fails if a concurrent change takes an id or an identifier of the batch. */
const MAX_ATTEMPTS = 5;

/** Imports accounts into PostgreSQL, and exports them. */
export function createUserTransfer(sql: Sql): UserTransfer {
  return {
    async recordKind({ name, milliseconds }) {
      await execute(sql`
        insert into password_kinds ${sql({ name, milliseconds })}
        on conflict (name) do update set milliseconds = excluded.milliseconds
        where password_kinds.milliseconds < excluded.milliseconds`);
    },

    async slowestKind() {
      const [row] = await execute(sql<{ milliseconds: number | null }[]>`
        select max(milliseconds) as milliseconds from password_kinds
        where exists (select from imported_passwords where kind = password_kinds.name)`);
      return row?.milliseconds ?? 0;
    },

    async store(batch, now, entry) {
      for (let attempt = 1; ; attempt += 1)
        try {
          const storing = sql.begin((tx) => storeBatch(tx, batch, now, entry));
          return await execute(storing as Promise<ImportVerdict[]>);
        } catch (error) {
          if (!isTakenMeanwhile(error) || attempt === MAX_ATTEMPTS) throw error;
        }
    },

    async list(after, limit) {
      const rows = await execute(sql<(UserRow & { claims: Claims | null })[]>`
        select ${userColumns(sql)}, (select claims from user_states where user_id = id) as claims from users
        where ${after}::uuid is null or id > ${after}::uuid
        order by id limit ${limit}`);
      return rows.flatMap((row) => {
        const user = toUser(row);
        return user === null ? [] : [{ user, claims: row.claims ?? NO_CLAIMS }];
      });
    },
  };
}

/** Whether a statement failed because a concurrent change has stored an account with the same id or identifier. */
function isTakenMeanwhile(error: unknown): boolean {
  return isTakenIdentifier(error) || violates(error, 'users_pkey');
}

async function storeBatch(
  tx: TransactionSql,
  batch: readonly ImportedUser[],
  now: number,
  entry: AuditEntry,
): Promise<ImportVerdict[]> {
  const accounts = await findAccounts(tx, batch, now);
  const created: ImportedUser[] = [];
  const verdicts = batch.map((imported) => {
    const { user, hasGivenId } = imported;
    const verdict = judgeImport(user, hasGivenId, accounts.findSharing(user));
    if (verdict !== 'created') return verdict;
    accounts.add(user);
    created.push(imported);
    return verdict;
  });
  if (created.length > 0) {
    await insertUsers(tx, created);
    await insertEvent(tx, { ...entry, data: { ...entry.data, created: created.length } });
  }
  return verdicts;
}

/** Finds the accounts that have an id or an identifier of the batch. Removes expired reservations first. */
async function findAccounts(tx: TransactionSql, batch: readonly ImportedUser[], now: number) {
  const users = batch.map(({ user }) => user);
  const identifiers = users.flatMap(identifiersOf);
  await tx`
    delete from user_identifiers where identifier in ${tx(identifiers)} and reserved_until <= ${new Date(now)}`;
  const ids = users.map(({ id }) => id);
  const stored = await tx<StoredKey[]>`
    select id, username, email, identifier as key from user_identifiers join users on id = user_id
    where identifier in ${tx(identifiers)}
    union all
    select id, username, email, id::text from users where id in ${tx(ids)}`;
  return createAccountIndex(stored);
}

/** An account, by its id, or by an identifier that it has or keeps reserved. */
interface StoredKey extends AccountKey {
  readonly key: string;
}

function createAccountIndex(stored: readonly StoredKey[]) {
  const accounts = new Map<string, AccountKey>(stored.map((row) => [row.key, row]));

  return {
    add(user: AccountKey): void {
      for (const key of [user.id, ...identifiersOf(user)]) accounts.set(key, user);
    },

    /** Finds the accounts that have the id or an identifier of this account, or keep its address reserved. */
    findSharing(user: AccountKey): AccountKey[] {
      const found = [user.id, ...identifiersOf(user)].flatMap((key) => accounts.get(key) ?? []);
      return [...new Map(found.map((account) => [account.id, account])).values()];
    },
  };
}

async function insertUsers(tx: TransactionSql, created: readonly ImportedUser[]): Promise<void> {
  const users = created.map(({ user }) => user);
  await tx`insert into users ${tx(users.map(toColumns))}`;
  const identifiers = users.flatMap((user) =>
    identifiersOf(user).map((identifier) => ({ identifier, user_id: user.id })),
  );
  await tx`insert into user_identifiers ${tx(identifiers)}`;
  const passwords = created.flatMap(({ user, passwordKind: kind }) =>
    kind === null ? [] : [{ user_id: user.id, kind }],
  );
  if (passwords.length > 0) await tx`insert into imported_passwords ${tx(passwords)}`;
  await insertClaims(tx, created);
}

/** Inserts the claims in the order of ids, because every transaction locks user states in that order. */
async function insertClaims(tx: TransactionSql, created: readonly ImportedUser[]): Promise<void> {
  const states = created.flatMap(({ user, claims }) =>
    claimNames(claims).length === 0 ? [] : [{ user_id: user.id, claims }],
  );
  if (states.length === 0) return;
  const stored = await tx<{ user_id: string }[]>`
    insert into user_states as state (user_id, claims)
    select user_id, claims from jsonb_to_recordset(${JSON.stringify(states)}::text::jsonb)
      as imported(user_id uuid, claims jsonb)
    order by user_id
    on conflict (user_id) do update set claims = excluded.claims where coalesce(state.claims, '{}') = '{}'
    returning user_id`;
  await tx`
    update token_families family set next_claims = state.claims || coalesce(session_claims, '{}')
    from user_states state
    where state.user_id = family.user_id and revoked_at is null
      and family.user_id = any (${stored.map((row) => row.user_id)}::uuid[])`;
}

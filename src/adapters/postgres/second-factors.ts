import type { TransactionSql } from 'postgres';
import { asSystem, originOfChange } from '../../domain/audit.ts';
import { MAX_ANSWERS } from '../../domain/challenge.ts';
import { type Claims, NO_CLAIMS } from '../../domain/claims.ts';
import { type FactorKind, FIRST_SECURITY_VERSION, MAX_FACTORS } from '../../domain/second-factor.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { FactorsOfAccount, SecondFactors, StoredFactor } from '../../ports/stores/second-factors.ts';
import { assertEach, isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute, violates } from './execute.ts';
import { decodeHash } from './family-row.ts';
import { lockAccount, securityVersionOf } from './lock-account.ts';
import { disabledIfRefused, openSessionWithin, type SessionStoreOptions } from './open-session.ts';
import { runRevokingTransaction, TooManySessions } from './session-revocation.ts';
import { useChallenge, useProofSql } from './use-proof.ts';
import { userKey } from './user-key.ts';
import { createOutboxWriter } from './with-outbox.ts';

/** A factor of an account, beside the account's own facts. `id` is null for an account without factors. */
interface FactorRow {
  user_id: string;
  password_hash: string;
  security_version: string | null;
  is_disabled: boolean;
  recovery_codes: readonly string[];
  id: string | null;
  kind: FactorKind;
  label: string;
  created_at: Date;
  confirmed_at: Date | null;
  last_used_at: Date | null;
  added_by: string | null;
  sealed_secret: string;
  last_step: string | null;
  credential_id: Buffer;
  public_key: Buffer;
  sign_count: string;
  transports: string[];
  is_backed_up: boolean;
}

/** Thrown to roll back a login whose challenge or proof cannot be used. */
class UnusableProof extends Error {}

/**
 * Second factors in PostgreSQL. A change that decides who may log in is a transaction that locks the account's row
 * first, as a change of the password does. So these changes and the logins of one account happen one after another.
 * The other changes, such as `rename` and `countAnswer`, are single statements without this lock.
 */
export function createSecondFactors(
  sql: Sql,
  { sessionsPerUser, currentTrace = () => null }: SessionStoreOptions,
): SecondFactors {
  const outboxWriter = createOutboxWriter(currentTrace);

  return {
    async find(userId) {
      const rows = await execute(sql<FactorRow[]>`
        select users.id as user_id, password_hash, security_version, disabled_at is not null as is_disabled,
          (
            select coalesce(json_agg(encode(hashed_code, 'hex') order by hashed_code), '[]')
            from recovery_codes where recovery_codes.user_id = users.id
          ) as recovery_codes,
          factor.id, kind, label, factor.created_at, confirmed_at, last_used_at, added_by, sealed_secret, last_step, credential_id, public_key,
          sign_count, transports, is_backed_up
        from users
          left join user_states on user_states.user_id = users.id
          left join user_factors as factor on factor.user_id = users.id
        where users.id = ${userKey(userId)}
        order by factor.created_at, factor.id`);
      assertEach(rows, (row) => isSameId(row.user_id, userKey(userId)));
      return toFactors(rows);
    },

    async add(factor, condition) {
      return change(async (tx) => {
        if ((await lockAccount(tx, factor.userId, condition)) === null) return null;
        await tx`delete from user_factors where user_id = ${userKey(factor.userId)} and confirmed_at is null`;
        const added = await tx`
          insert into user_factors (id, user_id, kind, label, created_at, added_by, sealed_secret)
          select ${factor.id}, ${userKey(factor.userId)}, ${factor.kind}, ${factor.label}, ${new Date(factor.createdAt)},
            ${factor.addedBy}, ${factor.totp.sealedSecret}
          where (select count(*) from user_factors where user_id = ${userKey(factor.userId)}) < ${MAX_FACTORS}`;
        return added.count === 1 ? 'added' : 'full';
      });
    },

    async addPasskey(factor, condition, entries) {
      const { id, userId, kind, label, createdAt, addedBy, passkey } = factor;
      const at = new Date(createdAt);
      const addition = change(async (tx) => {
        if ((await lockAccount(tx, userId, condition)) === null) return null;
        await tx`delete from user_factors where user_id = ${userKey(userId)} and confirmed_at is null`;
        const added = await tx`
          insert into user_factors (id, user_id, kind, label, created_at, confirmed_at, added_by, credential_id, public_key,
            sign_count, transports, is_backed_up)
          select ${id}, ${userKey(userId)}, ${kind}, ${label}, ${at}, ${at}, ${addedBy}, ${decodeHash(passkey.credentialId)},
            ${decodeHash(passkey.publicKey)}, ${passkey.signCount}, ${[...passkey.transports]}, ${passkey.isBackupEligible}
          where (select count(*) from user_factors where user_id = ${userKey(userId)}) < ${MAX_FACTORS}`;
        if (added.count === 0) return 'full';
        await finishFactorChange(tx, userId, entries);
        return 'added';
      });
      return addition.catch(takenIfKnown);
    },

    async findPasskeyOwner(credentialId) {
      const id = decodeHash(credentialId);
      const rows = await execute(sql<{ credential_id: Buffer; user_id: string }[]>`
        select credential_id, user_id from user_factors where credential_id = ${id}`);
      return onlyRow(rows, (row) => row.credential_id.equals(id))?.user_id ?? null;
    },

    async confirm({ userId, id, step, at }, condition, entries) {
      return change(async (tx) => {
        if ((await lockAccount(tx, userId, condition)) === null) return false;
        const { count } = await tx`
          update user_factors set confirmed_at = ${new Date(at)}, last_step = ${step}
          where id = ${id} and user_id = ${userKey(userId)} and confirmed_at is null`;
        if (count === 0) return false;
        await finishFactorChange(tx, userId, entries);
        return true;
      });
    },

    async rename(userId, id, label, entries) {
      const change = sql`
        update user_factors set label = ${label}
        where id = ${id} and user_id = ${userKey(userId)} and confirmed_at is not null and label <> ${label}
        returning user_id as id, null::text as email`;
      const rows = await execute(outboxWriter.changeUser(sql, change, entries));
      return onlyRow(rows, (row) => isSameId(row.id, userKey(userId))) !== null;
    },

    async remove(userId, id, condition, entries) {
      return change(async (tx) => {
        if ((await lockAccount(tx, userId, condition)) === null) return null;
        const { count } = await tx`
          delete from user_factors where id = ${id} and user_id = ${userKey(userId)} and confirmed_at is not null`;
        if (count === 0) return false;
        await tx`
          delete from recovery_codes where user_id = ${userKey(userId)}
            and not exists (select from user_factors where user_id = ${userKey(userId)} and confirmed_at is not null)`;
        await finishFactorChange(tx, userId, entries);
        return true;
      });
    },

    async replaceRecoveryCodes(userId, hashes, condition, entries) {
      return change(async (tx) => {
        const account = await lockAccount(tx, userId, condition);
        if (account === null) return null;
        if (!account.has_second_factor) return false;
        await tx`delete from recovery_codes where user_id = ${userKey(userId)}`;
        const rows = hashes.map((hash) => ({ user_id: userKey(userId), hashed_code: decodeHash(hash) }));
        await tx`insert into recovery_codes ${tx(rows)}`;
        await finishFactorChange(tx, userId, entries);
        return true;
      });
    },

    async countAnswer({ hashedNonce, expiresAt }) {
      const { count } = await execute(sql`
        insert into login_challenges as challenge (hashed_nonce, answers, expires_at)
        values (${decodeHash(hashedNonce)}, 1, ${new Date(expiresAt)})
        on conflict (hashed_nonce) do update set answers = challenge.answers + 1
        where challenge.answers < ${MAX_ANSWERS} and not challenge.is_used`);
      return count === 1;
    },

    async openSession(family, { securityVersion, challenge, use }, entries) {
      const { userId, createdAt: at } = family;
      let claims: Claims = NO_CLAIMS;
      const work = async (tx: TransactionSql) => {
        const [account] = await tx`select id from users where id = ${userKey(userId)} for share`;
        // A statement of its own, which sees what was committed while the one before waited for the lock.
        if (account === undefined || (await securityVersionOf(tx, userId)) !== securityVersion) return null;
        const isFirst = await useChallenge(tx, challenge);
        const used = await useProofSql(tx, userId, use, at);
        if (!isFirst || used.length === 0) throw new UnusableProof();
        const keptCount = sessionsPerUser - 1;
        const opened = await openSessionWithin(tx, { family, entries, keptCount, trace: currentTrace() });
        const origin = asSystem(originOfChange(entries));
        if (opened === null)
          throw new TooManySessions({
            userId,
            keptCount,
            sparedSession: null,
            at,
            reason: 'session_limit',
            origin,
          });
        claims = opened.claims;
        return opened.sessions;
      };
      const sessions = await runRevokingTransaction(sql, outboxWriter, sessionsPerUser, work)
        .catch(nullIfUnusable)
        .catch(disabledIfRefused);
      return sessions === 'disabled' ? sessions : sessions && { sessions, claims };
    },

    async forgetChallenges(before, limit) {
      const { count } = await execute(sql`
        delete from login_challenges where hashed_nonce in (
          select hashed_nonce from login_challenges where expires_at < ${new Date(before)}
          order by expires_at
          limit ${limit}
          for update skip locked
        )`);
      return count;
    },

    async listSealed(after, limit) {
      return execute(sql<{ id: string; sealed: string }[]>`
        select id, sealed_secret as sealed from user_factors
        where sealed_secret is not null and (${after}::uuid is null or id > ${after}::uuid)
        order by id
        limit ${limit}`);
    },

    async reseal({ id, sealed }, expected) {
      const { count } = await execute(sql`
        update user_factors set sealed_secret = ${sealed} where id = ${id} and sealed_secret = ${expected}`);
      return count === 1;
    },
  };

  function change<T>(work: (tx: TransactionSql) => Promise<T>): Promise<T> {
    return execute(sql.begin(work) as Promise<T>);
  }

  /** Brings the account's row up to date with its factors, renews its security version, and records the entries. */
  async function finishFactorChange(
    tx: TransactionSql,
    userId: string,
    entries: readonly ChangeEntry[],
  ): Promise<void> {
    const update = tx`
      update users set has_second_factor =
        exists (select from user_factors where user_id = users.id and confirmed_at is not null)
      where id = ${userKey(userId)} returning id, email`;
    await outboxWriter.changeUser(tx, update, entries);
    await tx`select renew_security_version(${userKey(userId)})`;
  }
}

function takenIfKnown(error: unknown): 'taken' {
  if (violates(error, 'user_factors_credentials_are_unique')) return 'taken';
  throw error;
}

function nullIfUnusable(error: unknown): null {
  if (error instanceof UnusableProof) return null;
  throw error;
}

function toFactors(rows: readonly FactorRow[]): FactorsOfAccount | null {
  const [first] = rows;
  if (first === undefined) return null;
  return {
    passwordHash: first.password_hash,
    securityVersion: first.security_version ?? FIRST_SECURITY_VERSION,
    isDisabled: first.is_disabled,
    recoveryCodes: first.recovery_codes.map((hex) => Buffer.from(hex, 'hex').toString('base64url')),
    factors: rows.flatMap((row) => (row.id === null ? [] : [toFactor(row, row.id)])),
  };
}

function toFactor(row: FactorRow, id: string): StoredFactor {
  const factor = {
    id,
    userId: row.user_id,
    label: row.label,
    createdAt: row.created_at.getTime(),
    confirmedAt: row.confirmed_at?.getTime() ?? null,
    lastUsedAt: row.last_used_at?.getTime() ?? null,
    addedBy: row.added_by,
  };
  if (row.kind === 'passkey') {
    const passkey = {
      credentialId: row.credential_id.toString('base64url'),
      publicKey: row.public_key.toString('base64url'),
      signCount: Number(row.sign_count),
      transports: row.transports,
      isBackupEligible: row.is_backed_up,
    };
    return { ...factor, kind: row.kind, passkey };
  }
  const lastStep = row.last_step === null ? null : Number(row.last_step);
  return { ...factor, kind: row.kind, totp: { sealedSecret: row.sealed_secret, lastStep } };
}

import type postgres from 'postgres';
import type { EmailLinkPurpose } from '../../domain/email-address.ts';
import type { EmailLink, EmailLinks } from '../../ports/stores/email-links.ts';
import type { CurrentTrace } from '../../ports/tracing.ts';
import { onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { decodeHash } from './family-row.ts';
import { toUser, type UserRow, userColumns } from './user-row.ts';
import { createOutboxWriter } from './with-outbox.ts';

/**
 * Links about addresses in PostgreSQL. `add` and `verify` lock the row of the user first, and `forget` skips locked
 * links. So these changes cannot deadlock.
 */
export function createEmailLinks(sql: Sql, currentTrace: CurrentTrace = () => null): EmailLinks {
  const outboxWriter = createOutboxWriter(currentTrace);

  return {
    async add(link, entries) {
      const addition = sql.begin(async (tx) => {
        const owner = tx`select id, email from users where id = ${link.userId} for key share`;
        const [user] = await outboxWriter.changeUser(tx, owner, entries);
        if (user !== undefined) await insertEmailLink(tx, link);
        return user !== undefined;
      });
      return execute(addition);
    },

    async findVerification(hashedToken, now) {
      const hash = decodeHash(hashedToken);
      const rows = await execute(sql<(UserRow & { hashed_token: Buffer })[]>`
        select hashed_token, ${userColumns(sql)} from email_links join users on users.id = user_id
        where hashed_token = ${hash} and purpose = 'verify' and email_links.email = users.email
          and expires_at > ${new Date(now)}`);
      return toUser(onlyRow(rows, (row) => row.hashed_token.equals(hash)));
    },

    async verify(hashedToken, at, entries) {
      const verification = sql.begin(async (tx) => {
        const link = await useEmailLink(tx, { hashedToken, purpose: 'verify', at });
        if (link === null) return false;
        const change = tx`
          update users set email_verified_at = coalesce(email_verified_at, ${new Date(at)})
          where id = ${link.user_id} and email = ${link.email} returning id, email`;
        const [user] = await outboxWriter.changeUser(tx, change, entries);
        await tx`delete from email_links where user_id = ${link.user_id} and purpose = 'verify'`;
        return user !== undefined;
      });
      return execute(verification);
    },

    async forget(before, limit) {
      const { count } = await execute(sql`
        delete from email_links where hashed_token in (
          select hashed_token from email_links where expires_at < ${new Date(before)}
          limit ${limit}
          for update skip locked
        )`);
      return count;
    },
  };
}

/** A link that is used within a transaction. `at` is in milliseconds. */
interface LinkUse {
  readonly hashedToken: string;
  readonly purpose: EmailLinkPurpose;
  readonly at: number;
}

/** Locks the user of a link and removes the link. Null if the link is not valid. */
export async function useEmailLink(tx: postgres.TransactionSql, { hashedToken, purpose, at }: LinkUse) {
  const hash = decodeHash(hashedToken);
  await tx`
    select from users where id = (select user_id from email_links where hashed_token = ${hash})
    for no key update`;
  const [link] = await tx<{ user_id: string; email: string; expires_at: Date }[]>`
    delete from email_links
    where hashed_token = ${hash} and purpose = ${purpose} and expires_at > ${new Date(at)}
    returning user_id, email, expires_at`;
  return link ?? null;
}

/** Stores a link within the transaction that changes its user. */
export async function insertEmailLink(tx: postgres.TransactionSql, link: EmailLink): Promise<void> {
  await tx`
    insert into email_links ${tx({
      hashed_token: decodeHash(link.hashedToken),
      user_id: link.userId,
      purpose: link.purpose,
      email: link.email,
      expires_at: new Date(link.expiresAt),
    })}`;
}

import { hash } from 'node:crypto';
import type postgres from 'postgres';
import { canonicalUserId, isDerivedKey, isUuid } from '../../domain/user-id.ts';
import { isSameId } from './answer-check.ts';
import type { Sql } from './connect.ts';

/** The user of a row. `user_id` is the key of the user. `user_id_text` is null if the user id equals the key. */
export interface OwnedRow {
  user_id: string;
  user_id_text: string | null;
}

/**
 * The key of a user in the database. A UUID is its own key, in lower case. The key of any other text has 104 bits of
 * the text's SHA-256. A UUID of the form of such a key is treated as text. Otherwise a user id could equal the derived
 * key of another user.
 */
export function userKey(userId: string): string {
  const id = canonicalUserId(userId);
  if (isUuid(id) && !isDerivedKey(id)) return id;
  const hex = hash('sha256', id, 'hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8fff-ff${hex.slice(12, 14)}-${hex.slice(14, 26)}`;
}

/** The columns that name the user in a new row. */
export function ownerColumns(userId: string): OwnedRow {
  const key = userKey(userId);
  return { user_id: key, user_id_text: isSameId(key, userId) ? null : userId };
}

/** The user id of a row. Ignores a text whose derived key is not the key of the row. */
export function toUserId({ user_id: key, user_id_text: text }: OwnedRow): string {
  return text !== null && userKey(text) === key ? text : key;
}

/** Whether a row belongs to this user. */
export function belongsTo({ user_id: key, user_id_text: text }: OwnedRow, userId: string): boolean {
  const owner = ownerColumns(userId);
  return key === owner.user_id && text === owner.user_id_text;
}

/** A condition for the rows of a user. */
export function isOfUser(sql: Sql | postgres.TransactionSql, userId: string) {
  const { user_id: key, user_id_text: text } = ownerColumns(userId);
  return sql`user_id = ${key} and user_id_text is not distinct from ${text}`;
}

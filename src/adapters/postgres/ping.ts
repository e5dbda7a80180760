import type { Sql } from './connect.ts';
import { DatabaseUnusable } from './connection/session.ts';
import { execute } from './execute.ts';

/** The tables of the service. */
export const TABLES = [
  'token_families',
  'told_subjects',
  'outbox',
  'security_events',
  'security_seals',
  'security_seal_mark',
  'failed_passwords',
  'mail_budgets',
  'user_states',
  'known_devices',
  'users',
  'user_identifiers',
  'password_kinds',
  'imported_passwords',
  'password_resets',
  'email_links',
  'user_factors',
  'recovery_codes',
  'login_challenges',
  'account_page_sessions',
  'tasks',
  'signing_keys',
  'removed_signing_keys',
  'webhook_endpoints',
  'webhook_deliveries',
];

/** Rejects if the database does not answer or lacks a table of the service. */
export async function ping(sql: Sql): Promise<void> {
  const missing = await execute(sql<{ name: string }[]>`
    select name from unnest(${TABLES}::text[]) as tables (name) where to_regclass(name) is null`);
  if (missing.length > 0)
    throw new DatabaseUnusable(
      `These tables are missing: ${missing.map(({ name }) => name).join(', ')}. Restore the database from a backup, or migrate an empty one.`,
    );
}

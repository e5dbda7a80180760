import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { createAccountPageSessions } from '../../src/adapters/postgres/account-page-sessions.ts';
import { createAuditLog } from '../../src/adapters/postgres/audit-log.ts';
import { createAuditSeals } from '../../src/adapters/postgres/audit-seals.ts';
import { connect, type OnStatement, type Sql } from '../../src/adapters/postgres/connect.ts';
import { createEmailChanges } from '../../src/adapters/postgres/email-changes.ts';
import { createEmailLinks } from '../../src/adapters/postgres/email-links.ts';
import { startEmbedded } from '../../src/adapters/postgres/embedded/start.ts';
import { createMailBudget } from '../../src/adapters/postgres/mail-budget.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { createOutbox } from '../../src/adapters/postgres/outbox.ts';
import { createSecondFactors } from '../../src/adapters/postgres/second-factors.ts';
import { createSigningKeys } from '../../src/adapters/postgres/signing-keys.ts';
import { createTasks } from '../../src/adapters/postgres/tasks.ts';
import { createTokenFamilies } from '../../src/adapters/postgres/token-families.ts';
import { createUserDirectory } from '../../src/adapters/postgres/user-directory.ts';
import { createUserStates } from '../../src/adapters/postgres/user-states.ts';
import { createUserTransfer } from '../../src/adapters/postgres/user-transfer.ts';
import { createUsers } from '../../src/adapters/postgres/users.ts';
import { createWebhookDeliveries } from '../../src/adapters/postgres/webhook-deliveries.ts';
import { createWebhookEndpoints } from '../../src/adapters/postgres/webhook-endpoints.ts';
import type { AccountPageSessions } from '../../src/ports/stores/account-page-sessions.ts';
import type { AuditLog } from '../../src/ports/stores/audit-log.ts';
import type { AuditSeals } from '../../src/ports/stores/audit-seals.ts';
import type { SigningKeys } from '../../src/ports/stores/signing-keys.ts';
import type { UserDirectory } from '../../src/ports/stores/user-directory.ts';
import type { UserTransfer } from '../../src/ports/stores/user-transfer.ts';
import type { BudgetStores } from '../ports/mail-budget.ts';
import type { FactorStores } from '../ports/second-factors.ts';
import { SESSIONS_PER_USER } from '../ports/session-limit.ts';
import type { TaskStores } from '../ports/tasks.ts';
import type { StateStores } from '../ports/user-states.ts';
import type { WebhookStores } from '../ports/webhooks.ts';
import { migratedDatabase, requirePostgres } from './postgres.ts';

export interface SqlStores extends StateStores, TaskStores, BudgetStores, FactorStores, WebhookStores {
  readonly auditLog: AuditLog;
  readonly auditSeals: AuditSeals;
  readonly signingKeys: SigningKeys;
  readonly userTransfer: UserTransfer;
  readonly userDirectory: UserDirectory;
  readonly accountPageSessions: AccountPageSessions;
  readonly sql: Sql;
  /** Empties all tables. */
  clear(): Promise<void>;
}

/** Every table that tests write to. A table that refers to another one stands before it. */
const TABLES = [
  'webhook_deliveries',
  'webhook_endpoints',
  'account_page_sessions',
  'login_challenges',
  'recovery_codes',
  'user_factors',
  'imported_passwords',
  'password_kinds',
  'password_resets',
  'email_links',
  'user_identifiers',
  'tasks',
  'users',
  'token_families',
  'known_devices',
  'user_states',
  'security_events',
  'security_seals',
  'security_seal_mark',
  'failed_passwords',
  'mail_budgets',
  'told_subjects',
  'outbox',
  'signing_keys',
  'removed_signing_keys',
];

type T = Pick<Test, 'teardown' | 'plan'>;

/** Stores on a new database of a real PostgreSQL. If there is none, skips the test and returns null. */
export async function postgresStores(
  t: T,
  pool = 4,
  onStatement?: OnStatement,
): Promise<(SqlStores & { readonly url: string }) | null> {
  if (!(await requirePostgres(t))) return null;
  const url = await migratedDatabase(t);
  const sql = connect({ kind: 'url', url, pool }, onStatement);
  t.teardown(() => sql.end({ timeout: 5 }));
  return { ...storesOn(sql), url };
}

/** Stores on a new embedded database. */
export async function embeddedStores(t: T): Promise<SqlStores> {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-test-'));
  const { socketPath, close } = await startEmbedded(folder);
  const sql = connect({ kind: 'embedded', socketPath });
  t.teardown(async () => {
    await sql.end({ timeout: 5 });
    await close();
    await rm(folder, { recursive: true });
  });
  await migrate(sql);
  return storesOn(sql);
}

/** Stores on a migrated database. */
export function storesOn(sql: Sql): SqlStores {
  return {
    sql,
    families: createTokenFamilies(sql, { sessionsPerUser: SESSIONS_PER_USER }),
    accountPageSessions: createAccountPageSessions(sql),
    users: createUsers(sql, { sessionsPerUser: SESSIONS_PER_USER }),
    userTransfer: createUserTransfer(sql),
    userDirectory: createUserDirectory(sql),
    emailLinks: createEmailLinks(sql),
    emailChanges: createEmailChanges(sql, { sessionsPerUser: SESSIONS_PER_USER }),
    userStates: createUserStates(sql, { sessionsPerUser: SESSIONS_PER_USER }),
    secondFactors: createSecondFactors(sql, { sessionsPerUser: SESSIONS_PER_USER }),
    tasks: createTasks(sql),
    outbox: createOutbox(sql),
    auditLog: createAuditLog(sql),
    auditSeals: createAuditSeals(sql),
    mailBudget: createMailBudget(sql),
    signingKeys: createSigningKeys(sql),
    webhookEndpoints: createWebhookEndpoints(sql),
    webhookDeliveries: createWebhookDeliveries(sql),
    // `delete` of a few rows is hundreds of times faster than `truncate`, which makes new files for each table.
    clear: async () => void (await sql.unsafe(TABLES.map((table) => `delete from ${table}`).join(';'))),
  };
}

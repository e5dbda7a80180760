import { createAccountPageSessions } from '../adapters/postgres/account-page-sessions.ts';
import { createAuditLog } from '../adapters/postgres/audit-log.ts';
import { createAuditSeals } from '../adapters/postgres/audit-seals.ts';
import { connect, type Sql } from '../adapters/postgres/connect.ts';
import { createEmailChanges } from '../adapters/postgres/email-changes.ts';
import { createEmailLinks } from '../adapters/postgres/email-links.ts';
import { FolderInUse, isAnswered } from '../adapters/postgres/embedded/lock.ts';
import { readSocketRecord, startEmbedded } from '../adapters/postgres/embedded/start.ts';
import { createVacuum } from '../adapters/postgres/embedded/vacuum.ts';
import { createMailBudget } from '../adapters/postgres/mail-budget.ts';
import { type DueMigration, migrate } from '../adapters/postgres/migrate.ts';
import type { SessionStoreOptions } from '../adapters/postgres/open-session.ts';
import { createOutbox } from '../adapters/postgres/outbox.ts';
import { ping } from '../adapters/postgres/ping.ts';
import { refuseWrongPooler } from '../adapters/postgres/pooler.ts';
import { startRevocationFeed } from '../adapters/postgres/revocation-feed.ts';
import { createSecondFactors } from '../adapters/postgres/second-factors.ts';
import { createTasks } from '../adapters/postgres/tasks.ts';
import { createTokenFamilies } from '../adapters/postgres/token-families.ts';
import { createUserDirectory } from '../adapters/postgres/user-directory.ts';
import { createUserStates } from '../adapters/postgres/user-states.ts';
import { createUserTransfer } from '../adapters/postgres/user-transfer.ts';
import { createUsers } from '../adapters/postgres/users.ts';
import { createWebhookDeliveries } from '../adapters/postgres/webhook-deliveries.ts';
import { createWebhookEndpoints } from '../adapters/postgres/webhook-endpoints.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import type { StoreCalls } from '../adapters/telemetry/metrics/store-calls.ts';
import type { Vacuum } from '../app/upkeep/purge.ts';
import type { Config } from '../config.ts';
import { runAll } from '../lib/run-all.ts';
import { sleep } from '../lib/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { FedRevokedFamilies } from '../ports/revoked-families.ts';
import type { AccountPageSessions } from '../ports/stores/account-page-sessions.ts';
import type { AuditLog } from '../ports/stores/audit-log.ts';
import type { AuditSeals } from '../ports/stores/audit-seals.ts';
import type { EmailChanges } from '../ports/stores/email-changes.ts';
import type { EmailLinks } from '../ports/stores/email-links.ts';
import type { MailBudget } from '../ports/stores/mail-budget.ts';
import type { Outbox } from '../ports/stores/outbox.ts';
import type { SecondFactors } from '../ports/stores/second-factors.ts';
import type { SigningKeys } from '../ports/stores/signing-keys.ts';
import type { Tasks } from '../ports/stores/tasks.ts';
import type { TokenFamilies } from '../ports/stores/token-families.ts';
import type { UserDirectory } from '../ports/stores/user-directory.ts';
import type { UserStates } from '../ports/stores/user-states.ts';
import type { UserTransfer } from '../ports/stores/user-transfer.ts';
import type { Users } from '../ports/stores/users.ts';
import type { WebhookDeliveries } from '../ports/stores/webhook-deliveries.ts';
import type { WebhookEndpoints } from '../ports/stores/webhook-endpoints.ts';
import type { Tracing } from '../ports/tracing.ts';
import { withStoreSpans } from './tracing.ts';
import { type Methods, wrapMethods } from './wrap-methods.ts';

const BLOCKED =
  'a migration waits for a long transaction, such as a dump of the database; the service tries it again (see pg_stat_activity)';

export interface Stores {
  readonly families: TokenFamilies;
  readonly accountPageSessions: AccountPageSessions;
  readonly users: Users;
  readonly userTransfer: UserTransfer;
  readonly userDirectory: UserDirectory;
  readonly emailLinks: EmailLinks;
  readonly emailChanges: EmailChanges;
  readonly userStates: UserStates;
  readonly secondFactors: SecondFactors;
  readonly tasks: Tasks;
  readonly outbox: Outbox;
  readonly auditLog: AuditLog;
  readonly auditSeals: AuditSeals;
  readonly mailBudget: MailBudget;
  readonly webhookEndpoints: WebhookEndpoints;
  readonly webhookDeliveries: WebhookDeliveries;
  /** Null for PostgreSQL, which has autovacuum. */
  readonly vacuum: Vacuum | null;
  /** Loads the store on demand, because few services keep signing keys in the database. */
  signingKeys(): Promise<SigningKeys>;
  /** Rejects if the database is unreachable, lacks a table, or does not answer within five seconds. */
  ping(): Promise<void>;
  close(): Promise<void>;
  /** Resolves with the reason if the embedded database ends unexpectedly. */
  readonly failure: Promise<Error>;
}

/** Callbacks for the steps of a start that take long. */
export interface StartEvents {
  /** A new embedded database is created in this folder. */
  onCreateDatabase(folder: string): void;
  onMigration(due: DueMigration): void;
}

/** Opens the configured database, migrates its schema, and starts the feed of revoked families. */
export async function openStores(
  config: Pick<Config, 'database' | 'dataDir' | 'policy'>,
  deps: {
    readonly revoked: FedRevokedFamilies;
    readonly tracing: Tracing | null;
    readonly storeCalls: StoreCalls;
    readonly clock: Clock;
    readonly log: Logger;
    readonly events?: StartEvents | undefined;
  },
): Promise<Stores> {
  const database = await openDatabase(config, onCreateDatabase);
  const { sql, address } = database;
  const { revoked: list, storeCalls, tracing, clock, log, events } = deps;
  const { sessionsPerUser } = config.policy;
  const sessionStoreOptions = { sessionsPerUser, currentTrace: tracing?.current };
  const feed = await prepare().catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  database.watchOtherClients(feed.noteOtherClients);
  return {
    ...createStores(sql, sessionStoreOptions, instrument),
    vacuum: address.kind === 'embedded' ? createVacuum(sql) : null,
    async signingKeys() {
      const { createSigningKeys } = await import('../adapters/postgres/signing-keys.ts');
      return instrument('signing_keys', createSigningKeys(sql));
    },
    ping: () => ping(sql),
    failure: database.failure,
    close: () => runAll([feed.stop, database.close]),
  };

  function instrument<Store extends Methods<Store>>(name: string, store: Store): Store {
    const traced = withStoreSpans(tracing, name, store);
    return wrapMethods(
      traced,
      (_method, call) =>
        (...input) =>
          storeCalls.measure(name, () => call(...input).catch(noteFailure)),
    );
  }

  function noteFailure(error: unknown): never {
    feed.noteFailure(error);
    throw error;
  }

  function onCreateDatabase(folder: string): void {
    deps.log.info({ folder }, 'creating the embedded database');
    deps.events?.onCreateDatabase(folder);
  }

  async function prepare() {
    if (address.kind === 'url') await refuseWrongPooler(sql, address);
    const onBlocked = () => log.warn({}, BLOCKED);
    const migrations = await migrate(sql, events?.onMigration, onBlocked);
    if (migrations.length > 0)
      log.info({ count: migrations.length, first: migrations[0], last: migrations.at(-1) }, 'migrated');
    return startRevocationFeed({ address, sql, list, policy: config.policy, clock, log });
  }
}

/** Wraps each method of a store. */
type Instrument = <Store extends Methods<Store>>(name: string, store: Store) => Store;

function createStores(sql: Sql, options: SessionStoreOptions, instrument: Instrument) {
  return {
    families: instrument('token_families', createTokenFamilies(sql, options)),
    accountPageSessions: instrument('account_page_sessions', createAccountPageSessions(sql)),
    users: instrument('users', createUsers(sql, options)),
    userTransfer: instrument('user_transfer', createUserTransfer(sql)),
    userDirectory: instrument('user_directory', createUserDirectory(sql)),
    emailLinks: instrument('email_links', createEmailLinks(sql, options.currentTrace)),
    emailChanges: instrument('email_changes', createEmailChanges(sql, options)),
    userStates: instrument('user_states', createUserStates(sql, options)),
    secondFactors: instrument('second_factors', createSecondFactors(sql, options)),
    tasks: instrument('tasks', createTasks(sql)),
    outbox: instrument('outbox', createOutbox(sql)),
    auditLog: instrument('audit_log', createAuditLog(sql)),
    auditSeals: instrument('audit_seals', createAuditSeals(sql)),
    mailBudget: instrument('mail_budget', createMailBudget(sql)),
    webhookEndpoints: instrument('webhook_endpoints', createWebhookEndpoints(sql)),
    webhookDeliveries: instrument('webhook_deliveries', createWebhookDeliveries(sql)),
  };
}

/** Seconds that running statements may take to finish at shutdown. */
const END_TIMEOUT = { timeout: 5 };

/**
 * Connects to the configured PostgreSQL, or starts the embedded one. If another process has the embedded one open, it
 * waits: a command may end soon. `close` also stops the embedded PostgreSQL.
 *
 * @throws {FolderInUse} if the other process still has it open after three seconds
 */
export async function openDatabase(
  config: Pick<Config, 'database' | 'dataDir'>,
  onCreate?: (folder: string) => void,
) {
  return retryWhileInUse(() => openFreeDatabase(config, onCreate), IN_USE.openWithin);
}

async function openFreeDatabase(
  { database, dataDir }: Pick<Config, 'database' | 'dataDir'>,
  onCreate?: (folder: string) => void,
) {
  if (database.kind === 'url') {
    const sql = connect(database);
    const failure = new Promise<Error>(() => {});
    const watchOtherClients = () => {};
    return { sql, address: database, close: () => sql.end(END_TIMEOUT), failure, watchOtherClients };
  }
  const embedded = await startEmbedded(dataDir, onCreate);
  const address = { kind: 'embedded', socketPath: embedded.socketPath } as const;
  const sql = connect(address);
  return {
    sql,
    address,
    failure: embedded.failure,
    watchOtherClients: embedded.watchOtherClients,
    close: () => runAll([() => sql.end(END_TIMEOUT), embedded.close]),
  };
}

/** Milliseconds: the pause between two attempts to open an embedded database in use, and the limits of the attempts. */
const IN_USE = { pause: 250, openWithin: 3_000, joinWithin: 10_000 };

/**
 * Opens the database for a command that may run while the service runs. If the service has the embedded database open,
 * the command connects to it as a further client. While another process opens or closes the database, the command waits,
 * at most ten seconds.
 */
export async function openOrJoinDatabase(config: Pick<Config, 'database' | 'dataDir'>) {
  return retryWhileInUse(async () => {
    try {
      return await openFreeDatabase(config);
    } catch (error) {
      const socketPath = error instanceof FolderInUse ? await readSocketRecord(config.dataDir) : null;
      if (socketPath === null || !(await isAnswered(socketPath))) throw error;
      return joinDatabase(socketPath);
    }
  }, IN_USE.joinWithin);
}

async function retryWhileInUse<T>(open: () => Promise<T>, limit: number): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof FolderInUse) || performance.now() > end) throw error;
      await sleep(IN_USE.pause);
    }
  }
}

function joinDatabase(socketPath: string) {
  const sql = connect({ kind: 'embedded', socketPath });
  return { sql, close: () => sql.end(END_TIMEOUT) };
}

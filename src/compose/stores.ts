import { connect } from '../adapters/postgres/connect.ts';
import { startEmbedded } from '../adapters/postgres/embedded/start.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import { createOutbox } from '../adapters/postgres/outbox.ts';
import { startRevocationFeed } from '../adapters/postgres/revocation-feed.ts';
import { createTokenFamilies } from '../adapters/postgres/token-families.ts';
import { createUsers } from '../adapters/postgres/users.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { FedRevokedFamilies } from '../ports/revoked-families.ts';
import type { Outbox } from '../ports/stores/outbox.ts';
import type { TokenFamilies } from '../ports/stores/token-families.ts';
import type { Users } from '../ports/stores/users.ts';

export interface Stores {
  readonly families: TokenFamilies;
  readonly users: Users;
  readonly outbox: Outbox;
  /** Rejects while the database cannot be asked. */
  ping(): Promise<void>;
  close(): Promise<void>;
  /** Resolves, with the reason, if the embedded database dies by itself; never otherwise. */
  readonly failed: Promise<Error>;
}

/**
 * The database that the configuration names, with its schema up to date. From here on until `close` it feeds the
 * list of revoked families.
 */
export async function openStores(
  config: Pick<Config, 'database' | 'dataDir' | 'policy'>,
  deps: { readonly revoked: FedRevokedFamilies; readonly clock: Clock; readonly log: Logger },
): Promise<Stores> {
  const database = await openDatabase(config);
  const { sql, address } = database;
  const { revoked: list, clock, log } = deps;
  const feed = await prepare().catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  return {
    families: createTokenFamilies(sql),
    users: createUsers(sql),
    outbox: createOutbox(sql),
    ping: async () => void (await sql`select 1`),
    failed: database.failed,
    async close() {
      await feed.stop();
      await database.close();
    },
  };

  async function prepare() {
    for (const migration of await migrate(sql)) log.info({ migration }, 'migrated');
    return startRevocationFeed({ address, sql, list, policy: config.policy, clock, log });
  }
}

/** Seconds that statements get to finish when the service ends. */
const END_TIMEOUT = { timeout: 5 };

/** A pool on PostgreSQL, or on the embedded one, which is started for it and ends with it. */
export async function openDatabase({ database, dataDir }: Pick<Config, 'database' | 'dataDir'>) {
  if (database.kind === 'url') {
    const sql = connect(database);
    const failed = new Promise<Error>(() => {});
    return { sql, address: database, close: () => sql.end(END_TIMEOUT), failed };
  }
  const embedded = await startEmbedded(dataDir);
  const address = { kind: 'embedded', socketPath: embedded.socketPath } as const;
  const sql = connect(address);
  return {
    sql,
    address,
    failed: embedded.failed,
    async close() {
      await sql.end(END_TIMEOUT);
      await embedded.close();
    },
  };
}

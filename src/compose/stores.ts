import { connect } from '../adapters/postgres/connect.ts';
import { startEmbedded } from '../adapters/postgres/embedded/start.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import { createOutbox } from '../adapters/postgres/outbox.ts';
import { createTokenFamilies } from '../adapters/postgres/token-families.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import type { Config } from '../config.ts';
import type { Outbox } from '../ports/stores/outbox.ts';
import type { TokenFamilies } from '../ports/stores/token-families.ts';

export interface Stores {
  readonly families: TokenFamilies;
  readonly outbox: Outbox;
  /** Rejects while the database cannot be asked. */
  ping(): Promise<void>;
  close(): Promise<void>;
  /** Resolves, with the reason, if the embedded database dies by itself; never otherwise. */
  readonly failed: Promise<Error>;
}

/** The database that the configuration names, with its schema up to date. */
export async function openStores(config: Pick<Config, 'database' | 'dataDir'>, log: Logger): Promise<Stores> {
  const database = await openDatabase(config);
  const { sql } = database;
  try {
    for (const migration of await migrate(sql)) log.info({ migration }, 'migrated');
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    families: createTokenFamilies(sql),
    outbox: createOutbox(sql),
    ping: async () => void (await sql`select 1`),
    close: database.close,
    failed: database.failed,
  };
}

/** Seconds that statements get to finish when the service ends. */
const END_TIMEOUT = { timeout: 5 };

/** A pool on PostgreSQL, or on the embedded one, which is started for it and ends with it. */
export async function openDatabase({ database, dataDir }: Pick<Config, 'database' | 'dataDir'>) {
  if (database.kind === 'url') {
    const sql = connect(database);
    return { sql, close: () => sql.end(END_TIMEOUT), failed: new Promise<Error>(() => {}) };
  }
  const embedded = await startEmbedded(dataDir);
  const sql = connect({ kind: 'embedded', socketPath: embedded.socketPath });
  return {
    sql,
    failed: embedded.failed,
    async close() {
      await sql.end(END_TIMEOUT);
      await embedded.close();
    },
  };
}

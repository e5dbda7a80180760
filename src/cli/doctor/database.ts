import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type Sql, type UrlAddress } from '../../adapters/postgres/connect.ts';
import { isAnswered } from '../../adapters/postgres/embedded/lock.ts';
import { readSocketRecord } from '../../adapters/postgres/embedded/start.ts';
import { findInvalidIndexes } from '../../adapters/postgres/invalid-indexes.ts';
import { refuseWrongPooler } from '../../adapters/postgres/pooler.ts';
import { type DatabaseFacts, probeDatabase, probeSchema } from '../../adapters/postgres/probe-database.ts';
import type { Config } from '../../config.ts';
import { plural } from '../../domain/plural.ts';
import { commandLine } from '../../lib/command-line.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Opens a connection pool for the checks. Null if the database is embedded and not running. */
export async function connectForChecks({ database, dataDir }: Pick<Config, 'database' | 'dataDir'>) {
  if (database.kind === 'url') return connect({ ...database, pool: 1 });
  const socketPath = await readSocketRecord(dataDir);
  const isRunning = socketPath !== null && (await isAnswered(socketPath));
  return isRunning ? connect({ kind: 'embedded', socketPath }) : null;
}

/** Describes an embedded database that is not running. The check does not open it: that would write to its folder. */
export function checkStoppedDatabase({ dataDir }: Pick<Config, 'dataDir'>): Finding {
  const folder = join(dataDir, 'pg');
  const state = existsSync(join(folder, 'PG_VERSION')) ? 'not running' : 'created at the first start';
  return ok('database', `embedded, in ${folder}, ${state}`);
}

export async function checkDatabase(
  sql: Sql,
  config: Pick<Config, 'database' | 'policy' | 'production'>,
  clock: () => number,
): Promise<readonly Finding[]> {
  const before = clock();
  const facts = await probeDatabase(sql);
  const skew = facts.clock - (before + clock()) / 2;
  const isEmbedded = config.database.kind === 'embedded';
  return [
    ok('database', `PostgreSQL ${facts.version}, ${facts.encoding}${isEmbedded ? ', embedded' : ''}`),
    ...(isEmbedded ? [] : [checkRole(facts, config.production)]),
    checkClock(skew, config.policy.clockSkew),
    await checkSchema(sql),
    ...(await checkIndexes(sql)),
    ...(config.database.kind === 'url' ? [await checkPooler(sql, config.database)] : []),
  ];
}

/** In development a superuser does no harm, and compose.dev.yml has one. */
function checkRole({ user, isSuperuser }: DatabaseFacts, production: boolean): Finding {
  if (!isSuperuser || !production) return ok('database role', user);
  const remedy = 'use a role that owns its database only: docs/database.md, Roles of the service';
  return warn('database role', `${user} is a superuser`, remedy);
}

function checkClock(skew: number, allowed: number): Finding {
  const found = `differs from the database by ${(Math.abs(skew) / 1_000).toFixed(1)} s`;
  if (Math.abs(skew) <= allowed) return ok('clock', found);
  return fail('clock', found, `synchronize both clocks by NTP: CLOCK_SKEW allows ${allowed / 1_000} s`);
}

async function checkSchema(sql: Sql): Promise<Finding> {
  const { isInstalled, due, edited } = await probeSchema(sql);
  const migrate = `run ${commandLine('migrate')}, or let the next start migrate`;
  if (edited.length > 0) {
    const remedy = 'install the migrations of the release: a start refuses edited ones';
    return fail('schema', `migrations edited after they ran: ${edited.join(', ')}`, remedy);
  }
  if (!isInstalled) return warn('schema', 'no tables yet', migrate);
  return due.length === 0
    ? ok('schema', 'up to date')
    : warn('schema', `${plural(due.length, 'migration')} due`, migrate);
}

/** Reports each invalid index. */
async function checkIndexes(sql: Sql): Promise<readonly Finding[]> {
  const invalid = await findInvalidIndexes(sql);
  return invalid.map(({ name, remedy }) =>
    warn('indexes', `${name} is invalid and not used`, `run in psql: ${remedy}`),
  );
}

async function checkPooler(sql: Sql, address: UrlAddress): Promise<Finding> {
  try {
    await refuseWrongPooler(sql, address);
    return ok('pooler', `DATABASE_POOLER=${address.pooler ?? 'session'} fits`);
  } catch (error) {
    return fail(
      'pooler',
      (error as Error).message,
      'set DATABASE_POOLER: docs/database.md, Behind PgBouncer',
    );
  }
}

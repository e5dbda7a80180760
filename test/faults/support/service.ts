import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { Test } from 'tap';
import { freePort } from '../../support/ports.ts';
import { type RunningService, startService } from '../../support/process.ts';

export type Environment = Readonly<Record<string, string>>;

const key = () => randomBytes(64).toString('base64url');

/** An environment with new keys, a data folder and a port. They stay the same when the service restarts. */
export async function environment(t: Pick<Test, 'teardown'>, values: Environment = {}): Promise<Environment> {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-faults-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return {
    API_PORT: String(await freePort()),
    DATA_DIR: folder,
    LOGIN_BY_USER_ID: 'open',
    MAIL: 'off',
    ACCESS_TOKEN_SIGN_KEY: key(),
    REFRESH_TOKEN_SIGN_KEY: key(),
    REFRESH_TOKEN_HASH_KEY: key(),
    DATA_ENCRYPTION_KEY: key(),
    ...values,
  };
}

/** Starts the service as a process. */
export function start(t: Pick<Test, 'teardown'>, env: Environment): Promise<RunningService> {
  return startService(t, { env });
}

/** A direct connection to the service's database. */
export function connectDirectly(t: Pick<Test, 'teardown'>, url: string): postgres.Sql {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  t.teardown(() => sql.end({ timeout: 5 }));
  return sql;
}

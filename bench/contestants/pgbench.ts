import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgresBinaries } from '../../test/support/private-postgres.ts';
import { insertFamilies } from '../measure/families.ts';
import { statement } from './databases.ts';

/** The number of families. pgbench rotates them at random. */
const FAMILIES = 10_000;

/** pgbench, which runs only the rotation statement. Its rate is the upper limit for a service on this database. */
export interface Pgbench {
  /** Returns the rotations per second, and the mean milliseconds of a rotation. */
  run(clients: number, seconds: number): Promise<{ perSecond: number; mean: number }>;
  remove(): void;
}

/**
 * The rotation of one family, as the service does it for a batch. It finds the row by its key, replaces all columns of
 * the pair, and returns the row. The statement is prepared and has its own transaction.
 */
const ROTATION = `
\\set family random(1, ${FAMILIES})
update token_families set
  generation = generation + 1, hashed_refresh_token_id = sha256(hashed_refresh_token_id),
  previous_hash = hashed_refresh_token_id, retry_key_hash = null, scheme = 'hmac-sha512', seed = seed,
  access_key_id = access_key_id, refresh_key_id = refresh_key_id, access_expires_at = now() + interval '15 minutes',
  refresh_expires_at = now() + interval '30 days', address = address, user_agent = user_agent,
  product_hash = product_hash, rotated_at = now()
where token_family = md5((:family)::text)::uuid and generation >= 0 and revoked_at is null and expires_at > now()
returning *;
`;

/** Prepares pgbench on a database that the service has migrated. */
export async function preparePgbench(databaseUrl: string): Promise<Pgbench> {
  const folder = mkdtempSync(join(tmpdir(), 'kinship-pgbench-'));
  const script = join(folder, 'rotation.sql');
  writeFileSync(script, ROTATION);
  await statement(databaseUrl, insertFamilies(1, FAMILIES));
  await statement(databaseUrl, 'vacuum analyze token_families');
  const pgbench = join(findPostgresBinaries() ?? '', 'pgbench');
  return {
    async run(clients, seconds) {
      const load = [`--client=${clients}`, '--jobs=2', `--time=${seconds}`];
      const args = ['--no-vacuum', '--protocol=prepared', ...load, `--file=${script}`, databaseUrl];
      const { stdout } = await promisify(execFile)(pgbench, args);
      return {
        perSecond: numberIn(stdout, /tps = ([\d.]+)/),
        mean: numberIn(stdout, /latency average = ([\d.]+)/),
      };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function numberIn(text: string, pattern: RegExp): number {
  const found = Number(pattern.exec(text)?.[1]);
  if (Number.isNaN(found)) throw new Error(`pgbench answered:\n${text}`);
  return found;
}

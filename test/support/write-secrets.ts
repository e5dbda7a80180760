import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROGRAM } from './program.ts';

/**
 * Makes the secrets in `folder` as operators do, with `npm run secrets -- --write`. Adds the URL of the
 * database as a file.
 */
export async function writeSecrets(folder: string, databaseUrl: string): Promise<void> {
  await promisify(execFile)(process.execPath, [...PROGRAM, 'secrets', '--write', folder]);
  await writeFile(join(folder, 'database_url'), databaseUrl, { mode: 0o600 });
}

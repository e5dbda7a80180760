import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../lib/make-folder.ts';
import { serverFiles } from './servers.ts';

/** Separate keys for login, admin, introspection and metrics, so that a lost key grants no more than necessary. */
const SERVICE_KEYS = [
  ['backend', 'login'],
  ['operator', 'admin'],
  ['resource-server', 'verify+introspect'],
  ['monitoring', 'metrics'],
] as const;

/** New values for the secrets of the service, by the names of their variables. */
export function generateSecrets(): Record<string, string> {
  return {
    ACCESS_TOKEN_SIGN_KEY: randomText(64),
    REFRESH_TOKEN_SIGN_KEY: randomText(64),
    REFRESH_TOKEN_HASH_KEY: randomText(64),
    KEY_SET_ENCRYPTION_KEY: randomText(64),
    DATA_ENCRYPTION_KEY: randomText(64),
    SERVICE_API_KEYS: SERVICE_KEYS.map(([name, scope]) => `${name}:${scope}:${randomText(32)}`).join(','),
    POSTGRES_PASSWORD: randomText(32),
  };
}

/**
 * Writes a file for each secret of compose.prod.yml that the folder lacks. Returns one line about each file. Throws,
 * before it writes, if existing files contradict each other.
 */
export function writeSecrets(folder: string): string[] {
  const files = {
    ...generateSecrets(),
    POSTGRES_SUPERUSER_PASSWORD: randomText(32),
    ...serverFiles(folder, () => randomText(32)),
  };
  return Object.entries(files).map(([name, secret]) => write(folder, name, secret));
}

function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

/**
 * A new folder is closed to other users. The files in it are readable for all, whatever the umask: the user of a
 * container has another user id than the user who made the file.
 */
function write(folder: string, name: string, secret: string): string {
  const path = join(folder, name.toLowerCase());
  makeFolder(folder);
  if (existsSync(path)) return `kept ${path}`;
  writeFileSync(path, secret, { flag: 'wx', mode: 0o600 });
  chmodSync(path, 0o644);
  return `wrote ${path}`;
}

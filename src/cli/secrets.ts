import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverFiles } from './secrets/servers.ts';

/** One key for each scope, so that a key that is lost opens no more than it has to. */
const KEYS = [
  ['backend', 'login'],
  ['operator', 'admin'],
  ['resource-server', 'introspect'],
  ['monitoring', 'metrics'],
] as const;

/**
 * `kinship secrets`: prints fresh values for all secrets, or writes each into a file of the folder. Files that exist
 * are kept. Throws, with nothing written, where files that exist contradict each other.
 */
export async function generateSecrets(folder?: string): Promise<void> {
  if (folder === undefined) print(secrets());
  else writeAll(folder);
}

function secrets(): Record<string, string> {
  return {
    ACCESS_TOKEN_SIGN_KEY: random(64),
    REFRESH_TOKEN_SIGN_KEY: random(64),
    REFRESH_TOKEN_HASH_KEY: random(64),
    KEY_SET_ENCRYPTION_KEY: random(64),
    SERVICE_API_KEYS: KEYS.map(([name, scope]) => `${name}:${scope}:${random(32)}`).join(','),
    POSTGRES_PASSWORD: random(32),
  };
}

function random(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

/** Without those of Redis and RabbitMQ, which lead to servers that have them, too. */
function print(lines: Record<string, string>): void {
  for (const [name, secret] of Object.entries(lines)) process.stdout.write(`${name}=${secret}\n`);
}

function writeAll(folder: string): void {
  const files = {
    ...secrets(),
    POSTGRES_SUPERUSER_PASSWORD: random(32),
    ...serverFiles(folder, () => random(32)),
  };
  for (const [name, secret] of Object.entries(files)) process.stdout.write(write(folder, name, secret));
  if ((statSync(folder).mode & 0o077) !== 0) {
    process.stderr.write(`Other users of this machine can read ${folder}: chmod 700 ${folder}\n`);
  }
}

/**
 * The folder is closed to others; the files, whatever the umask, are not: mounted one by one, each is read by the
 * container's user, which has another number than the one who made it.
 */
function write(folder: string, name: string, secret: string): string {
  const path = join(folder, name.toLowerCase());
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (existsSync(path)) return `kept ${path}\n`;
  writeFileSync(path, secret, { flag: 'wx', mode: 0o600 });
  chmodSync(path, 0o644);
  return `wrote ${path}\n`;
}

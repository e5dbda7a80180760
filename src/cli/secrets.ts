import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * `npm run secrets`: prints fresh values for all secrets, as lines for an environment file.
 * `npm run secrets -- --write FOLDER`: writes each into a file of its own, as compose.prod.yml mounts them; files
 * that are there already are kept.
 */
const { values } = parseArgs({ options: { write: { type: 'string' } } });

const random = (bytes: number) => randomBytes(bytes).toString('base64url');

const secrets: Readonly<Record<string, string>> = {
  ACCESS_TOKEN_SIGN_KEY: random(64),
  REFRESH_TOKEN_SIGN_KEY: random(64),
  REFRESH_TOKEN_HASH_KEY: random(64),
  KEY_SET_ENCRYPTION_KEY: random(64),
  SERVICE_API_KEYS: `backend:login+admin:${random(32)}`,
  POSTGRES_PASSWORD: random(32),
};

for (const [name, secret] of Object.entries(secrets)) {
  process.stdout.write(
    values.write === undefined ? `${name}=${secret}\n` : write(values.write, name, secret),
  );
}

if (values.write !== undefined && (statSync(values.write).mode & 0o077) !== 0) {
  process.stderr.write(`Other users of this machine can read ${values.write}: chmod 700 ${values.write}\n`);
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

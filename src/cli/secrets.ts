import { statSync } from 'node:fs';
import { generateSecrets, writeSecrets } from './secrets/files.ts';

/**
 * `kinship secrets`: prints new values for all secrets, as lines for an environment file. With a folder it writes each
 * secret into a file, for `SECRETS_DIR`, with the passwords of the servers of compose.prod.yml. Existing files are
 * kept. Throws, and writes nothing, if existing files contradict each other.
 */
export async function makeSecrets(folder?: string): Promise<void> {
  if (folder === undefined) print(generateSecrets());
  else write(folder);
}

function write(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new Error(`${folder} is a file. --write names a folder.`);
  for (const line of writeSecrets(folder)) process.stdout.write(`${line}\n`);
  if ((statSync(folder).mode & 0o077) !== 0) {
    process.stderr.write(
      'Other users of this machine can read the folder of the secrets: close it with chmod 700.\n',
    );
  }
}

/** Prints no URL of Redis or RabbitMQ: with such a URL, the service would connect to a server. */
function print(secrets: Record<string, string>): void {
  for (const [name, secret] of Object.entries(secrets)) process.stdout.write(`${name}=${secret}\n`);
}

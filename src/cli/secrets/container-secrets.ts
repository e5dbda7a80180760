import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SECRETS } from '../../config/schema.ts';
import { isText } from '../../config/values.ts';
import { makeFolder } from '../../lib/make-folder.ts';

/** The secrets that each container of compose.prod.yml reads, by the names of their variables or files. */
const SECRETS_BY_CONTAINER = {
  app: SECRETS,
  postgres: ['POSTGRES_SUPERUSER_PASSWORD', 'POSTGRES_PASSWORD'],
  redis: ['REDIS_CONF'],
  rabbitmq: ['RABBITMQ_CONF'],
} as const;

/**
 * Secrets that a deployment may lack. They are for an external database, for a mail server with a password, and for a
 * collector with headers.
 */
const OPTIONAL: readonly string[] = ['DATABASE_URL', 'SMTP_PASSWORD', 'OTEL_EXPORTER_OTLP_HEADERS'];

type Secrets = Readonly<Record<string, string>>;

/**
 * The secrets of a folder, by name, and the files that it lacks. A variable of the environment takes precedence over
 * its file.
 */
export function collectSecrets(
  folder: string,
  env: NodeJS.ProcessEnv,
): { readonly secrets: Secrets; readonly missing: readonly string[] } {
  const secrets: Record<string, string> = {};
  const missing: string[] = [];
  for (const name of new Set(Object.values(SECRETS_BY_CONTAINER).flat())) {
    const file = name.toLowerCase();
    const secret = env[name]?.trim() || readSecret(join(folder, file));
    if (secret !== '') secrets[name] = secret;
    else if (!OPTIONAL.includes(name)) missing.push(file);
  }
  return { secrets, missing };
}

/** The secrets that are variables of the service. */
export function variablesOf(secrets: Secrets): Secrets {
  return Object.fromEntries(Object.entries(secrets).filter(([name]) => SECRETS.some((one) => one === name)));
}

/**
 * Whether a secret of the service or of Redis was changed, added or removed since the last start. Both read their
 * secrets only when they start. False at the first start.
 */
export function hasChangedSecret(folder: string, secrets: Secrets): boolean {
  const isFirstStart = !existsSync(join(folder, 'app', 'refresh_token_hash_key'));
  const hasChangedFor = (reader: 'app' | 'redis') =>
    SECRETS_BY_CONTAINER[reader].some(
      (name) => readSecret(join(folder, reader, name.toLowerCase())) !== (secrets[name] ?? ''),
    );
  return !isFirstStart && (hasChangedFor('app') || hasChangedFor('redis'));
}

/** Gives each container a folder with the secrets that it reads, and with no others. */
export function shareSecrets(folder: string, secrets: Secrets): void {
  for (const [reader, names] of Object.entries(SECRETS_BY_CONTAINER)) {
    makeFolder(join(folder, reader), 0o755);
    for (const name of names) write(join(folder, reader, name.toLowerCase()), secrets[name]);
  }
}

function readSecret(path: string): string {
  let secret: string;
  try {
    secret = readFileSync(path, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    throw new Error(`${path} cannot be read (${code}).`);
  }
  if (!isText(secret)) throw new Error(`${path} is not text in UTF-8.`);
  return secret;
}

/**
 * Replaces the file as a whole: a container may be reading it. The file is readable for all, because each image runs as
 * another uid.
 */
function write(path: string, secret: string | undefined): void {
  if (secret === undefined) {
    rmSync(path, { force: true });
    return;
  }
  const draft = `${path}.draft`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${secret}\n`, { flag: 'wx', mode: 0o444, flush: true });
  renameSync(draft, path);
}

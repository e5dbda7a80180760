import { readdirSync } from 'node:fs';
import { findKeySetFault, findWebhooksFaults } from '../compose/configured-files.ts';
import { ConfigurationError, readConfig } from '../config.ts';
import { collectSecrets, hasChangedSecret, shareSecrets, variablesOf } from './secrets/container-secrets.ts';
import { writeSecrets } from './secrets/files.ts';
import { checkServerFiles } from './secrets/servers.ts';
import { publishedPortFaults } from './setup/published-ports.ts';

export interface SetupOptions {
  /** The folder with a file for each secret. */
  readonly from: string;
  /** The folder that gets one folder for each container. */
  readonly to: string;
  /** `SECRETS_DIR` of the operator. Blank: the secrets are generated here. */
  readonly own: string;
}

const WRITE_COMMAND = 'docker compose -f compose.prod.yml run --rm --no-deps setup secrets --write /secrets';

const CORRECT_DOT_ENV =
  'Correct this in .env, then start again. A key, or a password of a server of compose.prod.yml, that is blank there ' +
  'is generated.';
const CORRECT_BOTH = 'Correct this in .env or in SECRETS_DIR, then start again.';

const RESTART =
  'The secrets have changed. After `up`, also run: docker compose -f compose.prod.yml restart redis app\n';

/**
 * `kinship setup`, the service `setup` of compose.prod.yml. It generates the secrets at the first start, checks the
 * configuration, and gives each container the secrets that it reads. Throws, with one line for each fault, if something
 * is missing or refused: then no container gets anything.
 */
export async function setUpContainers({ from, to, own }: SetupOptions): Promise<void> {
  const faults = publishedPortFaults(process.env);
  try {
    if (own === '') writeSecrets(from);
    else checkServerFiles(from);
  } catch (error) {
    faults.push((error as Error).message);
  }
  const { secrets, missing } = collectSecrets(from, process.env);
  if (own !== '' && missing.length > 0) faults.push(describeMissing(missing, from, own));
  const isMissing = (fault: string) =>
    missing.some((file) => fault.startsWith(`${file.toUpperCase()} is not`));
  const invalid = await faultsOf({ ...process.env, ...variablesOf(secrets) });
  faults.push(...invalid.filter((fault) => !isMissing(fault)));
  if (faults.length > 0) throw new Error([...faults, own === '' ? CORRECT_DOT_ENV : CORRECT_BOTH].join('\n'));
  const isChanged = hasChangedSecret(to, secrets);
  shareSecrets(to, secrets);
  process.stdout.write(`The configuration is valid. ${describeSources(secrets, own)}\n`);
  if (isChanged) process.stdout.write(RESTART);
}

/** What the folder `SECRETS_DIR` lacks, and how the operator gets it. */
function describeMissing(missing: readonly string[], from: string, own: string): string {
  if (readdirSync(from).length === 0)
    return (
      `SECRETS_DIR (${own}) is an empty folder. Restore your copy of the secrets. To use the generated secrets, clear ` +
      'SECRETS_DIR, start, copy them into the folder (docs/operations.md, Secrets), then set SECRETS_DIR again. ' +
      `For a deployment without data, make new ones: ${WRITE_COMMAND}`
    );
  return (
    `SECRETS_DIR (${own}) has no ${missing.join(', ')}. If these files were there before, restore your copy of the ` +
    `secrets. If this version is the first one that needs them, add them: ${WRITE_COMMAND}`
  );
}

/** Where the secrets in use come from. */
function describeSources(secrets: Readonly<Record<string, string>>, own: string): string {
  const stored = own === '' ? 'Generated secrets' : `The secrets of ${own}`;
  const given = Object.keys(secrets).filter((name) => process.env[name]?.trim());
  const others = given.length === 0 ? '' : `, and from the environment or .env: ${given.sort().join(', ')}`;
  return `${stored} are in use${others}.`;
}

async function faultsOf(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  try {
    const config = await readConfig(env);
    return [...(await findKeySetFault(config)), ...(await findWebhooksFaults(config))];
  } catch (error) {
    if (error instanceof ConfigurationError) return [...error.faults, ...error.warnings];
    throw error;
  }
}

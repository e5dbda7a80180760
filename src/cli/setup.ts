import { findKeySetFault, findWebhooksFaults } from '../compose/configured-files.ts';
import { ConfigurationError, readConfig } from '../config.ts';
import { commandLine } from '../lib/command-line.ts';
import { collectSecrets, shareSecrets, variablesOf } from './secrets/container-secrets.ts';
import { writeSecrets } from './secrets/files.ts';
import { checkServerFiles } from './secrets/servers.ts';

export interface SetupOptions {
  /** The folder with a file for each secret. */
  readonly from: string;
  /** The folder that gets one folder for each container. */
  readonly to: string;
  /** `SECRETS_DIR` of the operator. Blank: the secrets are generated here. */
  readonly own: string;
}

const MAKE_THEM =
  'Correct SECRETS_DIR, or restore your copy of the secrets. For a deployment without data, make new ones: ' +
  'docker compose -f compose.prod.yml run --rm --no-deps setup secrets --write /secrets';

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
  if (missing.length > 0) faults.push(`SECRETS_DIR (${own}) has no ${missing.join(', ')}. ${MAKE_THEM}`);
  const isMissing = (fault: string) =>
    missing.some((file) => fault.startsWith(`${file.toUpperCase()} is not`));
  const invalid = await faultsOf({ ...process.env, ...variablesOf(secrets) });
  faults.push(...invalid.filter((fault) => !isMissing(fault)).map(namingContainer));
  if (faults.length > 0)
    throw new Error([...faults, 'Correct this in .env or in SECRETS_DIR, then start again.'].join('\n'));
  shareSecrets(to, secrets);
  const source = own === '' ? 'Generated secrets' : `The secrets of ${own}`;
  const given = Object.keys(secrets)
    .filter((name) => process.env[name]?.trim())
    .sort();
  const overrides = given.length === 0 ? '' : `, and from the environment or .env: ${given.join(', ')}`;
  process.stdout.write(`The configuration is valid. ${source} are in use${overrides}.\n`);
}

/** Names the command that works on the machine, also while the settings are refused. */
function namingContainer(fault: string): string {
  return fault.replace(commandLine('secrets'), 'docker compose -f compose.prod.yml run --rm setup secrets');
}

/** The faults of the ports that compose.prod.yml publishes. `PUBLISHED_PORT` is API_PORT of `.env`. */
function publishedPortFaults(env: NodeJS.ProcessEnv): string[] {
  const { PUBLISHED_PORT = '3000', API_BIND = '', REPLICAS = '', CONSOLE_PORT = '' } = env;
  const faults: string[] = [];
  if (Number(PUBLISHED_PORT) === 0) faults.push('API_PORT is 0, but must be a port that Docker can publish.');
  if (CONSOLE_PORT !== '' && CONSOLE_PORT === PUBLISHED_PORT)
    faults.push(`CONSOLE_PORT is ${CONSOLE_PORT}, but must be another port than API_PORT.`);
  if (Number(REPLICAS) > 1 && API_BIND === '')
    faults.push(`REPLICAS is ${REPLICAS}, but API_BIND does not name a port for each.`);
  if (Number(REPLICAS) > 1 && CONSOLE_PORT !== '')
    faults.push(
      `REPLICAS is ${REPLICAS}, so CONSOLE_PORT must be blank: its port can be published only once.`,
    );
  return faults;
}

async function faultsOf(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  try {
    const config = await readConfig(env);
    return [...(await findKeySetFault(config)), ...(await findWebhooksFaults(config))];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
}

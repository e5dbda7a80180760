import { findWebhooksFaults } from '../compose/configured-files.ts';
import { type Config, ConfigurationError, readConfig } from '../config.ts';
import { commandLine } from '../lib/command-line.ts';
import { checkDatabase, checkStoppedDatabase, connectForChecks } from './doctor/database.ts';
import { type Finding, fail, runCheck, warn } from './doctor/finding.ts';
import { checkKeySet, checkSecretKeys, checkStoredSecrets } from './doctor/keys.ts';
import { checkDataFolder, checkOrigins } from './doctor/local.ts';
import { checkBroker, checkMail, checkRedis } from './doctor/servers.ts';
import { formatTable } from './table.ts';

const CORRECT_VARIABLE = 'correct it in the environment or .env; .env.example describes each variable';
const CHECK_VARIABLE = 'see .env.example; no change is needed if this is intended';

/** `kinship doctor`: prints what each check has found, and changes nothing. Exit code 1 on a failure. */
export async function diagnose({ json = false }: { readonly json?: boolean }): Promise<void> {
  const findings = await findingsFor(
    () => readConfig(process.env, process.cwd(), { createKeys: false }),
    Date.now,
  );
  process.stdout.write(json ? `${JSON.stringify({ checks: findings }, null, 2)}\n` : tableOf(findings));
  // A server that hangs may hold a socket open beyond the deadline of its check.
  process.exit(findings.some(({ state }) => state === 'fail') ? 1 : 0);
}

/** The findings of all checks. With a faulty configuration nothing else can be checked. */
export async function findingsFor(
  read: () => Promise<Config>,
  clock: () => number,
): Promise<readonly Finding[]> {
  try {
    return await runChecks(await read(), clock);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return [
      ...error.faults.map((fault) => fail('configuration', fault, CORRECT_VARIABLE)),
      ...error.warnings.map((warning) => warn('configuration', warning, CHECK_VARIABLE)),
    ];
  }
}

async function runChecks(config: Config, clock: () => number): Promise<readonly Finding[]> {
  const { redisUrl, brokerUrl, mail } = config;
  const groups = await Promise.all([
    checkWebhooksFile(config),
    config.warnings.map((warning) => warn('configuration', warning, CHECK_VARIABLE)),
    checkOrigins(config),
    [checkSecretKeys(config)],
    runCheck('data folder', 'let DATA_DIR name a folder that this user can write', () =>
      checkDataFolder(config),
    ),
    checkStored(config, clock),
    redisUrl === null
      ? []
      : runCheck('Redis', 'correct REDIS_URL, or start the server', () => checkRedis(redisUrl)),
    brokerUrl === null
      ? []
      : runCheck('RabbitMQ', 'correct AMQP_URL, or start the broker', () => checkBroker(brokerUrl)),
    runCheck('mail', 'correct SMTP_SERVER and the variables beside it', () => checkMail(mail)),
  ]);
  return groups.flat();
}

async function checkWebhooksFile(config: Config): Promise<readonly Finding[]> {
  const faults = await findWebhooksFaults(config);
  return faults.map((fault) => fail('configuration', fault, 'correct the file'));
}

/** The database and the keys in it. */
async function checkStored(config: Config, clock: () => number): Promise<readonly Finding[]> {
  const remedy = 'correct DATABASE_URL or POSTGRES_*, start the server, or see docs/database.md';
  const sql = await connectForChecks(config);
  const database =
    sql === null
      ? [checkStoppedDatabase(config)]
      : await runCheck('database', remedy, () => checkDatabase(sql, config, clock));
  const isBroken = database.some(({ check, state }) => check === 'database' && state === 'fail');
  if (isBroken) return database;
  const keys = await runCheck('key set', commandLine('keys list'), () => checkKeySet(config, sql, clock));
  const secrets = await runCheck('stored secrets', 'add the missing key: docs/keys.md, Secret keys', () =>
    checkStoredSecrets(config, sql),
  );
  return [...database, ...keys, ...secrets];
}

function tableOf(findings: readonly Finding[]): string {
  const rows = findings.map(({ check, state, found, remedy }) => [check, state, found, remedy]);
  return formatTable(
    [['check', 'state', 'found', 'how to mend it'], ...rows],
    process.stdout.columns || undefined,
  );
}

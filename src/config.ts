import { resolve } from 'node:path';
import { type BreachConfig, readBreaches } from './config/breaches.ts';
import { readBroker } from './config/broker.ts';
import {
  type DatabaseConfig,
  databaseWarnings,
  readDatabase,
  readRedis,
  readWorkers,
} from './config/database.ts';
import { readEnvironment, type Variables } from './config/environment.ts';
import { type HttpConfig, readHttp } from './config/http.ts';
import { type KeySetConfig, readKeySet, sealsKeys } from './config/key-set.ts';
import { type KeyOptions, readKeys } from './config/keys.ts';
import { readLimits } from './config/limits.ts';
import { type MailConfig, readEmailVerification, readMail } from './config/mail.ts';
import { type PasskeysConfig, readPasskeys } from './config/passkeys.ts';
import { readTraces, type TracesConfig } from './config/traces.ts';
import { createReaders, type Readers } from './config/values.ts';
import { readWebhooks, type WebhooksConfig } from './config/webhooks.ts';
import { DAY } from './domain/durations.ts';
import type { EmailVerification } from './domain/email-address.ts';
import type { Limits } from './domain/limits.ts';
import type { Policy } from './domain/policy.ts';
import type { NamedKey } from './ports/security/named-key.ts';

/** The validated configuration. */
export interface Config {
  readonly production: boolean;
  readonly logLevel: string;
  /** Null: readable on a terminal outside production, JSON everywhere else. */
  readonly logFormat: 'json' | 'pretty' | null;
  /** Names of the keys that this start has generated. */
  readonly createdKeys: readonly string[];
  /** Absolute path. */
  readonly dataDir: string;
  readonly http: HttpConfig;
  readonly tokens: TokenConfig;
  readonly keySet: KeySetConfig;
  /** Whether DPoP proofs need a nonce. */
  readonly dpopNonce: boolean;
  readonly passkeys: PasskeysConfig;
  /** The keys that seal secrets in the database, newest first. */
  readonly dataKeys: readonly NamedKey[];
  /** `memory` in KiB, `time` in passes, `parallelism` in lanes. */
  readonly argon2: { readonly memory: number; readonly time: number; readonly parallelism: number };
  /** Where breached passwords are searched; null: nowhere. */
  readonly breaches: BreachConfig;
  readonly policy: Policy;
  readonly limits: Limits;
  readonly emailVerification: EmailVerification;
  /** Milliseconds for which audit events are kept after they were sealed. */
  readonly auditRetention: number;
  readonly database: DatabaseConfig;
  /** Processes that answer requests. With more than one, another process starts and watches them. */
  readonly workers: number;
  /** Null: each replica uses its own memory instead. */
  readonly redisUrl: string | null;
  /** Null: events are logged and not published. */
  readonly brokerUrl: string | null;
  readonly mail: MailConfig;
  readonly webhooks: WebhooksConfig;
  /** Null: no traces are recorded. */
  readonly traces: TracesConfig | null;
  /** Lines about valid settings that may not be intended. */
  readonly warnings: readonly string[];
}

/** All lists are newest first: new tokens use the first entry, all entries are accepted. */
interface TokenConfig {
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly accessKeys: readonly NamedKey[];
  readonly refreshKeys: readonly NamedKey[];
  readonly hashKeys: readonly NamedKey[];
  readonly jtiHash: 'hmac-sha512' | 'argon2id';
}

/**
 * The configuration is invalid. The message has one line per fault, then one per warning. No line contains a secret.
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  readonly faults: readonly string[];

  /** Lines of `.env` without effect. One of them may be the cause of a fault. */
  readonly warnings: readonly string[];

  constructor(faults: readonly string[], warnings: readonly string[] = []) {
    const distinct = [...new Set(faults)];
    super([...distinct, ...warnings].join('\n'));
    this.faults = distinct;
    this.warnings = warnings;
  }
}

/**
 * Reads the configuration from the environment and `.env` in `cwd`. Other modules take settings of the service from the
 * result only. Without `createKeys` no key is generated, and nothing is written. Rejects with a
 * {@link ConfigurationError} that names all faults.
 */
export async function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  cwd = process.cwd(),
  { createKeys = true } = {},
): Promise<Config> {
  const faults: string[] = [];
  const warnings: string[] = [];
  const warningSink = { add: (line: string) => warnings.push(line) };
  const variables = await readEnvironment(env, cwd, faults, warningSink);
  const ofEnvironment = [...warnings];
  const read = createReaders({ add: (line) => faults.push(line) }, warningSink);
  const production =
    read.choice('NODE_ENV', variables.NODE_ENV, ['development', 'production', 'test']) === 'production';
  const dataDir = resolve(cwd, variables.DATA_DIR);
  const http = readHttp(variables, production, read);
  const policy = readPolicy(variables, read);
  const limits = readLimits(variables, read);
  const auditRetention = read.duration('AUDIT_KEEP', variables.AUDIT_KEEP, DAY);
  const database = readDatabase(variables, read);
  const workers = readWorkers(variables, database, read);
  const redisUrl = readRedis(variables, read);
  const brokerUrl = readBroker(variables, read);
  const mail = readMail(variables, { production, publicUrl: http.publicUrl }, read);
  const emailVerification = readEmailVerification(variables, mail, read);
  const traces = readTraces(variables, read);
  const keySet = readKeySet(variables, cwd, read);
  const createdKeys: string[] = [];
  const keyOptions = {
    production,
    dataDir,
    createKeys,
    onKeyCreated: (name: string) => createdKeys.push(name),
  };
  const { encryptionKeys, dataKeys, ...tokenKeys } = readKeyRings(
    variables,
    keyOptions,
    sealsKeys(keySet),
    faults,
  );
  const rest = {
    logFormat:
      variables.LOG_FORMAT === ''
        ? null
        : read.choice('LOG_FORMAT', variables.LOG_FORMAT, ['json', 'pretty']),
    createdKeys,
    logLevel: read.choice('LOG_LEVEL', variables.LOG_LEVEL, [
      'info',
      'trace',
      'debug',
      'warn',
      'error',
      'fatal',
      'silent',
    ]),
    dpopNonce: read.choice('DPOP_NONCE', variables.DPOP_NONCE, ['off', 'on']) === 'on',
    argon2: readArgon2(variables, read),
    breaches: await readBreaches(variables, cwd, read),
    tokens: { ...readTokens(variables, http.publicUrl, read), ...tokenKeys },
    keySet: { ...keySet, encryptionKeys },
    dataKeys,
    passkeys: readPasskeys(variables, http, read),
    webhooks: readWebhooks(variables, cwd, read),
  };
  if (faults.length > 0) throw new ConfigurationError(faults, ofEnvironment);
  return Object.freeze({
    production,
    dataDir,
    http,
    policy,
    limits,
    emailVerification,
    auditRetention,
    database,
    workers,
    redisUrl,
    brokerUrl,
    mail,
    traces,
    ...rest,
    warnings: [...warnings, ...(production ? databaseWarnings(database) : [])],
  });
}

function readPolicy(variables: Variables, read: Readers): Policy {
  const changes = ['notify', 'block', 'ignore'] as const;
  const policy = {
    accessTokenAge: read.duration('ACCESS_TOKEN_AGE', variables.ACCESS_TOKEN_AGE, 1_000),
    refreshTokenAge: read.duration('REFRESH_TOKEN_AGE', variables.REFRESH_TOKEN_AGE, 1_000),
    sessionMaxAge: read.duration('SESSION_MAX_AGE', variables.SESSION_MAX_AGE, 1_000),
    sessionShortAge: read.duration('SESSION_SHORT_AGE', variables.SESSION_SHORT_AGE, 1_000),
    stepUpMaxAge: read.duration('STEP_UP_MAX_AGE', variables.STEP_UP_MAX_AGE, 1_000),
    sessionsPerUser: read.integer('SESSIONS_PER_USER', variables.SESSIONS_PER_USER, 1, 1_000),
    retryWindow: read.duration('REFRESH_RETRY_WINDOW', variables.REFRESH_RETRY_WINDOW),
    clockSkew: read.duration('CLOCK_SKEW', variables.CLOCK_SKEW),
    onAddressChange: read.choice('ON_IP_CHANGE', variables.ON_IP_CHANGE, changes),
    onUserAgentChange: read.choice('ON_USER_AGENT_CHANGE', variables.ON_USER_AGENT_CHANGE, changes),
    onNewDevice: read.choice('ON_NEW_DEVICE', variables.ON_NEW_DEVICE, ['notify', 'ignore']),
    dpop: read.choice('DPOP', variables.DPOP, ['optional', 'required', 'off'] as const),
  };
  if (policy.accessTokenAge > policy.refreshTokenAge) {
    read.reportInvalid('ACCESS_TOKEN_AGE', variables.ACCESS_TOKEN_AGE, 'no more than REFRESH_TOKEN_AGE');
  }
  return policy;
}

function readArgon2(variables: Variables, read: Readers): Config['argon2'] {
  return {
    memory: read.integer('ARGON2_MEMORY', variables.ARGON2_MEMORY, 1_024, 4_194_304),
    time: read.integer('ARGON2_TIME', variables.ARGON2_TIME, 2, 64),
    parallelism: read.integer('ARGON2_PARALLELISM', variables.ARGON2_PARALLELISM, 1, 64),
  };
}

function readTokens(variables: Variables, publicUrl: string | null, read: Readers) {
  return {
    issuers: read.names('TOKEN_ISSUER', variables.TOKEN_ISSUER || publicUrl || 'kinship'),
    audiences: read.names('TOKEN_AUDIENCE', variables.TOKEN_AUDIENCE),
    jtiHash: read.choice('JTI_HASH', variables.JTI_HASH, ['hmac-sha512', 'argon2id']),
  };
}

function readKeyRings(variables: Variables, options: KeyOptions, seals: boolean, faults: string[]) {
  const keys = readKeys(variables, options, seals, { add: (line) => faults.push(line) });
  return {
    accessKeys: keys.ACCESS_TOKEN_SIGN_KEY,
    refreshKeys: keys.REFRESH_TOKEN_SIGN_KEY,
    hashKeys: keys.REFRESH_TOKEN_HASH_KEY,
    encryptionKeys: keys.KEY_SET_ENCRYPTION_KEY,
    dataKeys: keys.DATA_ENCRYPTION_KEY,
  };
}

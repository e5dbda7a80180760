import { Type } from '@sinclair/typebox';

const text = (value?: string) => Type.String(value === undefined ? { default: '' } : { default: value });

/** Every variable of the environment. All are text, blank means unset, and `.env.example` explains each of them. */
export const Environment = Type.Object({
  NODE_ENV: text('development'),
  LOG_LEVEL: text('info'),
  LOG_FORMAT: text(),
  DATA_DIR: text('./data'),
  SECRETS_DIR: text(),

  API_HOST: text('127.0.0.1'),
  API_PORT: text('3000'),
  PUBLIC_URL: text(),
  SERVICE_NAME: text(),
  ACCOUNT_PAGES: text('on'),
  TRUST_PROXY: text('false'),
  CORS_ORIGINS: text(),
  LOGIN_BY_USER_ID: text(),
  SERVICE_API_KEYS: text(),
  FRONT_DOORS: text(),
  LEGACY_DOORS_SKIP_SECOND_FACTOR: text('false'),
  PASSKEY_RP_ID: text(),
  PASSKEY_ORIGINS: text(),
  RATE_LIMIT: text('100'),
  METRICS_PORT: text(),
  REVOCATIONS_CONSUMERS: text('100'),

  TOKEN_ISSUER: text(),
  TOKEN_AUDIENCE: text('kinship'),
  ACCESS_TOKEN_ALG: text('HS512'),
  ACCESS_TOKEN_SIGN_KEY: text(),
  REFRESH_TOKEN_SIGN_KEY: text(),
  REFRESH_TOKEN_HASH_KEY: text(),
  KEY_SET_FILE: text(),
  KEY_SET_ENCRYPTION_KEY: text(),
  DATA_ENCRYPTION_KEY: text(),
  KEY_SET_ROTATE_AFTER: text('30d'),
  KEY_SET_MAX_AGE: text('5m'),
  JTI_HASH: text('hmac-sha512'),
  ARGON2_MEMORY: text('19456'),
  ARGON2_TIME: text('2'),
  ARGON2_PARALLELISM: text('1'),

  ACCESS_TOKEN_AGE: text('15m'),
  REFRESH_TOKEN_AGE: text('720h'),
  SESSION_MAX_AGE: text('2160h'),
  SESSION_SHORT_AGE: text('12h'),
  STEP_UP_MAX_AGE: text('10m'),
  SESSIONS_PER_USER: text('50'),
  AUDIT_KEEP: text('180d'),
  REFRESH_RETRY_WINDOW: text('0s'),
  CLOCK_SKEW: text('5s'),
  ON_IP_CHANGE: text('notify'),
  ON_USER_AGENT_CHANGE: text('ignore'),
  ON_NEW_DEVICE: text('notify'),
  DPOP: text('optional'),
  DPOP_NONCE: text('off'),

  DATABASE_URL: text(),
  DATABASE_POOL: text('4'),
  DATABASE_POOLER: text('session'),
  DATABASE_SCHEMA: text(),
  POSTGRES_HOST: text(),
  POSTGRES_PORT: text('5432'),
  POSTGRES_USER: text('postgres'),
  POSTGRES_PASSWORD: text(),
  POSTGRES_DB: text(),

  EMAIL_VERIFICATION: text('optional'),
  PASSWORD_BREACH_URL: text(),
  PASSWORD_BREACH_FILE: text(),

  LOGIN_ACCOUNT_LIMIT: text('5/24h'),
  LOGIN_NETWORK_LIMIT: text('20/20m'),
  LOGIN_LONGEST_WAIT: text('15m'),
  LOGIN_RATE_LIMIT: text('60/1m'),
  LOGIN_RATE_NETWORK_LIMIT: text('300/1m'),
  REGISTER_LIMIT: text('20/1h'),
  PASSWORD_FORGOT_LIMIT: text('3/1h'),
  REDIS_URL: text(),
  AMQP_URL: text(),
  WEBHOOKS_ALLOW_PRIVATE: text(),

  MAIL: text(),
  SMTP_SERVER: text(),
  SMTP_PORT: text('587'),
  SMTP_NAME: text(),
  SMTP_USERNAME: text(),
  SMTP_PASSWORD: text(),
  SMTP_FROM: text(),
  SMTP_RECEIVER: text(),

  OTEL_EXPORTER_OTLP_ENDPOINT: text(),
  OTEL_EXPORTER_OTLP_HEADERS: text(),
  OTEL_SERVICE_NAME: text(),
  OTEL_RESOURCE_ATTRIBUTES: text(),
  OTEL_TRACES_SAMPLER: text(),
  OTEL_TRACES_SAMPLER_ARG: text(),
});

export type VariableName = keyof typeof Environment.properties;

/** Variables that hold a port number. */
export const PORTS = [
  'API_PORT',
  'METRICS_PORT',
  'POSTGRES_PORT',
  'SMTP_PORT',
] as const satisfies readonly VariableName[];

/** Variables whose values are never logged. `NAME_FILE` may name a file that holds a value; see also `SECRETS_DIR`. */
export const SECRETS = [
  'SERVICE_API_KEYS',
  'ACCESS_TOKEN_SIGN_KEY',
  'REFRESH_TOKEN_SIGN_KEY',
  'REFRESH_TOKEN_HASH_KEY',
  'KEY_SET_ENCRYPTION_KEY',
  'DATA_ENCRYPTION_KEY',
  'DATABASE_URL',
  'POSTGRES_PASSWORD',
  'REDIS_URL',
  'AMQP_URL',
  'SMTP_PASSWORD',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const satisfies readonly VariableName[];

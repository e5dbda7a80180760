import { ServerUnusable } from '../../../lib/errors.ts';
import { StoreUnavailable } from '../../../ports/stores/store-unavailable.ts';
import { STATEMENT_TIMEOUT } from '../execute.ts';

const ROLES = ['any', 'read-write', 'primary'] as const;
/** The role that the server must have: values of `target_session_attrs` in libpq. */
export type ServerRole = (typeof ROLES)[number];

export function isServerRole(value: string): value is ServerRole {
  return (ROLES as readonly string[]).includes(value);
}

/**
 * - `session`: each connection has its own server session. There is no pooler, or it is in session mode.
 * - `transaction`: a pooler may give each transaction another server session. So no setting of a session is
 *   changed.
 */
export type PoolerMode = 'session' | 'transaction';

/** The settings that the adapter depends on, as the server prints them. */
const REQUIRED_SETTINGS = {
  statement_timeout: `${STATEMENT_TIMEOUT / 1_000}s`,
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  default_transaction_isolation: 'read committed',
} as const;

/**
 * Settings for session mode only. The adapter reads all values correctly without these settings, so they are not
 * verified.
 */
const SESSION_SETTINGS = { TimeZone: 'UTC', IntervalStyle: 'postgres' } as const;

/**
 * Disables the server's limit for idle sessions. Otherwise the server could end a pooled connection at the
 * moment of its next use.
 */
const NO_IDLE_LIMIT = `case when current_setting('idle_session_timeout', true) is not null
  then set_config('idle_session_timeout', '0', false) end`;

const PINNED = new Set(
  [
    ...Object.keys(REQUIRED_SETTINGS),
    ...Object.keys(SESSION_SETTINGS),
    'search_path',
    'idle_session_timeout',
  ].map((name) => name.toLowerCase()),
);

/** Whether the service sets this setting itself. */
export function isPinned(name: string): boolean {
  return PINNED.has(name.toLowerCase());
}

export interface ServerSessionOptions {
  readonly pooler: PoolerMode;
  readonly schema: string | null;
  readonly settings: Readonly<Record<string, string>>;
  readonly role: ServerRole;
}

/** The database is a {@link ServerUnusable}. */
export class DatabaseUnusable extends ServerUnusable {
  override readonly name = 'DatabaseUnusable';
  readonly code = 'DATABASE_UNFIT';
}

/** At the start the operator needs the cause, not the fact that the database is unavailable. */
export function unwrapUnusable(error: unknown): never {
  throw error instanceof StoreUnavailable && error.cause instanceof DatabaseUnusable ? error.cause : error;
}

/**
 * The first statements of a connection. In session mode they set the settings, because poolers refuse
 * settings as startup parameters. The last statement returns one row for {@link checkSession}.
 */
export function sessionStatements(options: ServerSessionOptions): string {
  const read = Object.keys(requiredSettings(options)).map((name) => `current_setting(${quote(name)})`);
  const facts = [
    `current_setting('server_encoding')`,
    `pg_is_in_recovery()`,
    `current_setting('transaction_read_only')`,
    'current_user',
    ...read,
  ];
  const set = options.pooler === 'session' ? `select ${setConfigCalls(options).join(', ')};` : '';
  return `${set} select ${facts.join(', ')}`;
}

/**
 * Checks the row that {@link sessionStatements} returned. `wrong-server`: the server does not have the required role,
 * but another host may have it. Throws {@link DatabaseUnusable} if the database or its settings do not fit.
 */
export function checkSession(options: ServerSessionOptions, row: readonly string[]): 'ok' | 'wrong-server' {
  const [encoding, inRecovery, readOnly, user = '', ...values] = row;
  if (encoding !== 'UTF8')
    throw new DatabaseUnusable(
      `The database has the encoding ${encoding}. Create one with the encoding UTF8.`,
    );
  if (options.role === 'primary' && inRecovery === 't') return 'wrong-server';
  if (options.role === 'read-write' && (inRecovery === 't' || readOnly === 'on')) return 'wrong-server';
  const wrong = Object.entries(requiredSettings(options)).filter(
    ([, value], index) => values[index] !== value,
  );
  if (wrong.length > 0) throw new DatabaseUnusable(describeRemedy(options, user, wrong));
  return 'ok';
}

function requiredSettings({ schema }: ServerSessionOptions): Record<string, string> {
  return { ...REQUIRED_SETTINGS, ...(schema !== null && { search_path: schema }) };
}

function setConfigCalls(options: ServerSessionOptions): string[] {
  const all = { ...options.settings, ...SESSION_SETTINGS, ...requiredSettings(options) };
  const set = Object.entries(all).map(
    ([name, value]) => `set_config(${quote(name)}, ${quote(value)}, false)`,
  );
  return [...set, NO_IDLE_LIMIT];
}

function describeRemedy(
  { pooler }: ServerSessionOptions,
  user: string,
  wrong: readonly [string, string][],
): string {
  const names = wrong.map(([name]) => name).join(', ');
  if (pooler === 'session')
    return (
      `The database, or a pooler before it, drops these settings: ${names}. ` +
      'Configure the pooler to keep them, or connect without a pooler.'
    );
  const role = `"${user.replaceAll('"', '""')}"`;
  const statements = wrong.map(
    ([name, value]) => `alter role ${role} set ${name} = ${roleValue(name, value)};`,
  );
  return (
    `With DATABASE_POOLER=transaction the role of the service must have these settings. Run these ` +
    `statements, then reconnect the pooler to its servers: ${statements.join(' ')}`
  );
}

/** In `alter role`, a schema is an identifier, and every other value is a string. */
function roleValue(name: string, value: string): string {
  return name === 'search_path' ? value : quote(value);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

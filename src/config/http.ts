import type { FrontDoor } from '../domain/door.ts';
import {
  isOwnClientId,
  OWN_CLIENT_ID,
  SERVICE_KEY_SCOPES,
  type ServiceKey,
  type ServiceKeyScope,
} from '../domain/service-key.ts';
import { USER_ID_FORMATS, type UserIdFormat } from '../domain/user-id.ts';
import { hostOf, isLoopback } from '../lib/hosts.ts';
import type { Variables } from './environment.ts';
import type { Readers } from './values.ts';

const FRONT_DOOR_NAMES: readonly [FrontDoor, ...FrontDoor[]] = ['session-id', 'cookie-pair', 'task-api'];
const LOGIN_MODES = ['key', 'local', 'open', 'off'] as const;

const PROXIES =
  'addresses or CIDRs of proxies such as 10.0.0.0/8, comma-separated, or false: ' +
  'if every peer were trusted, each client could choose its own address';

/** At least 32 characters that a header can carry. */
const SECRET = /^[\x21-\x7e]{32,}$/;

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** The origin under which clients reach the service; null if it is unknown. */
  readonly publicUrl: string | null;
  /** The name of the service in pages and mails. */
  readonly serviceName: string;
  /** Whether the pages under `/account` are served. */
  readonly accountPages: boolean;
  /** Null: the console is not served. Its `port` is null where the main port serves it. */
  readonly console: { readonly port: number | null } | null;
  readonly trustProxy: readonly string[];
  readonly corsOrigins: readonly string[];
  /** Whether browser applications may keep their pair in cookies. */
  readonly sessionCookies: boolean;
  readonly loginByUserId: (typeof LOGIN_MODES)[number];
  readonly userIdFormat: UserIdFormat;
  readonly serviceKeys: readonly ServiceKey[];
  readonly frontDoors: readonly FrontDoor[];
  /** Whether the front doors, which have no second step, let accounts with a second factor in. */
  readonly legacyDoorsSkipSecondFactor: boolean;
  /** Requests per minute and user on the task-api front door, or per network if the user is unknown. */
  readonly rateLimit: number;
  /** Null: the main port serves the metrics too. */
  readonly metricsPort: number | null;
}

function readConsole(variables: Variables, read: Readers): HttpConfig['console'] {
  if (read.choice('CONSOLE', variables.CONSOLE, ['on', 'off']) === 'on')
    return { port: readOtherPort('CONSOLE_PORT', variables, read) };
  if (variables.CONSOLE_PORT !== '') read.warn('CONSOLE_PORT has no effect: CONSOLE is off.');
  return null;
}

export function readHttp(variables: Variables, production: boolean, read: Readers): HttpConfig {
  const { API_HOST, PUBLIC_URL, TRUST_PROXY, CORS_ORIGINS } = variables;
  const publicUrl =
    PUBLIC_URL === '' && !production ? null : read.origin('PUBLIC_URL', PUBLIC_URL, { https: production });
  const proxies = TRUST_PROXY === 'false' ? [] : read.list(TRUST_PROXY);
  return {
    host: read.host('API_HOST', API_HOST, 'API_PORT'),
    port: read.integer('API_PORT', variables.API_PORT, 0, 65_535),
    publicUrl,
    serviceName: readServiceName(variables.SERVICE_NAME, publicUrl, read),
    accountPages: read.choice('ACCOUNT_PAGES', variables.ACCOUNT_PAGES, ['on', 'off']) === 'on',
    console: readConsole(variables, read),
    trustProxy: proxies.map((proxy) => read.network('TRUST_PROXY', proxy, PROXIES)),
    corsOrigins: read.list(CORS_ORIGINS).map((origin) => read.browserOrigin('CORS_ORIGINS', origin)),
    sessionCookies: read.choice('SESSION_COOKIES', variables.SESSION_COOKIES, ['on', 'off']) === 'on',
    loginByUserId: readLoginMode(variables, { production, publicUrl }, read),
    userIdFormat: read.choice('USER_ID_FORMAT', variables.USER_ID_FORMAT, USER_ID_FORMATS),
    serviceKeys: readServiceKeys(variables.SERVICE_API_KEYS, read),
    frontDoors: readFrontDoors(variables.FRONT_DOORS, production, read),
    legacyDoorsSkipSecondFactor:
      read.choice('LEGACY_DOORS_SKIP_SECOND_FACTOR', variables.LEGACY_DOORS_SKIP_SECOND_FACTOR, [
        'false',
        'true',
      ]) === 'true',
    rateLimit: read.integer('RATE_LIMIT', variables.RATE_LIMIT, 1, 10_000),
    metricsPort: readOtherPort('METRICS_PORT', variables, read),
  };
}

/** One line of text that a person can read, at most 64 characters. */
const NAME = /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u;

function readServiceName(value: string, publicUrl: string | null, read: Readers): string {
  if (value !== '' && !NAME.test(value))
    read.reportInvalid('SERVICE_NAME', value, 'one line of at most 64 characters, none of them invisible');
  return value || hostOf(publicUrl ?? '') || 'Kinship';
}

/**
 * A public service may have a proxy on the same machine. The requests of the proxy look local, so `local` would let any
 * client log in as every user.
 */
function readLoginMode(
  { LOGIN_BY_USER_ID, API_HOST }: Variables,
  { production, publicUrl }: { readonly production: boolean; readonly publicUrl: string | null },
  read: Readers,
) {
  const isPublic = production || (publicUrl !== null && !isLoopback(hostOf(publicUrl)));
  if (LOGIN_BY_USER_ID === '') return !isPublic && isLoopback(API_HOST) ? 'local' : 'key';
  const mode = read.choice('LOGIN_BY_USER_ID', LOGIN_BY_USER_ID, LOGIN_MODES);
  if (production && mode === 'open') read.reportInvalid('LOGIN_BY_USER_ID', mode, 'key or off in production');
  if (isPublic && mode === 'local') {
    read.reportInvalid(
      'LOGIN_BY_USER_ID',
      mode,
      'key or off in production and where PUBLIC_URL is not a loopback origin',
    );
  }
  return mode;
}

/** In production only the named front doors are open. Elsewhere the default is all of them. */
function readFrontDoors(value: string, production: boolean, read: Readers): readonly FrontDoor[] {
  if (value === 'off' || (value === '' && production)) return [];
  if (value === '') return FRONT_DOOR_NAMES;
  const doors = read.list(value);
  if (doors.length > 0 && doors.every(isFrontDoor)) return [...new Set(doors)];
  read.reportInvalid(
    'FRONT_DOORS',
    value,
    `one or more of ${FRONT_DOOR_NAMES.join(', ')}, comma-separated, or off`,
  );
  return [];
}

function isFrontDoor(name: string): name is FrontDoor {
  return FRONT_DOOR_NAMES.some((door) => door === name);
}

/** The port of a separate listener; null if the variable is empty. */
function readOtherPort(
  name: 'METRICS_PORT' | 'CONSOLE_PORT',
  variables: Variables,
  read: Readers,
): number | null {
  const value = variables[name];
  if (value === '') return null;
  const port = read.integer(name, value, 0, 65_535);
  const other = name === 'CONSOLE_PORT' ? (['API_PORT', 'METRICS_PORT'] as const) : (['API_PORT'] as const);
  for (const taken of other)
    if (port !== 0 && variables[taken] !== '' && port === Number(variables[taken]))
      read.reportInvalid(
        name,
        value,
        taken === 'API_PORT'
          ? `another port than ${value}, on which the service listens`
          : `another port than ${taken}`,
      );
  return port;
}

function readServiceKeys(value: string, read: Readers): ServiceKey[] {
  const keys = read.list(value).map((entry, index): ServiceKey => {
    const [name = '', scopes = '', ...rest] = entry.split(':');
    const key = { name, scopes: scopes.split('+') as ServiceKeyScope[], secret: rest.join(':') };
    const hasValidScopes = key.scopes.every((scope) => SERVICE_KEY_SCOPES.includes(scope));
    const hasValidName = /^[\w.-]{1,64}$/.test(name) && !isOwnClientId(name);
    if (!hasValidName || !hasValidScopes || !SECRET.test(key.secret)) {
      const wanted = `name:scope+scope:secret, with scopes out of ${SERVICE_KEY_SCOPES.join(', ')}, and a secret of at least 32 visible characters; the name ${OWN_CLIENT_ID} is reserved in any letter case`;
      read.reportFault(
        'SERVICE_API_KEYS',
        `has an invalid entry ${index + 1} (not shown): it must be ${wanted}.`,
      );
    }
    return key;
  });
  for (const part of ['name', 'secret'] as const) {
    if (new Set(keys.map((key) => key[part])).size < keys.length) {
      read.reportFault(
        'SERVICE_API_KEYS',
        `has the same ${part} twice: use a different ${part} for each key.`,
      );
    }
  }
  return keys;
}

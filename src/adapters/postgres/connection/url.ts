import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isServerRole, type ServerRole } from './session.ts';
import { parseOptions } from './url-options.ts';

/** One server of the URL: its name and port, or the path of its Unix socket. */
export interface ServerHost {
  readonly host: string;
  readonly port: number;
  readonly path: string | null;
}

/** `verify-ca`: the certificate is verified, but not its name. `verify-full`: both are verified. */
export type TlsMode = 'disable' | 'verify-ca' | 'verify-full';

/** A parsed connection URL, with the meaning that libpq gives to it. */
export interface ConnectionTarget {
  readonly hosts: readonly ServerHost[];
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: TlsMode;
  /** Whether TLS begins without an SSLRequest (`sslnegotiation=direct`). */
  readonly isDirectTls: boolean;
  /** Contents of the files that `sslrootcert`, `sslcert` and `sslkey` name. */
  readonly certificates: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Milliseconds for each host. */
  readonly connectTimeout: number;
  /** Seconds without traffic before TCP keep-alive probes are sent; null: no probes. */
  readonly keepAlive: number | null;
  readonly applicationName: string;
  /** Settings of the parameter `options`. */
  readonly settings: Readonly<Record<string, string>>;
  readonly role: ServerRole;
}

/** Reports one fault: a sentence without its subject, which is the URL. It contains no value from the URL. */
type AddFault = (sentence: string) => void;
type Parameters = Map<string, string>;

/** Parameters of other programs, and what to use instead. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  pgbouncer: 'set DATABASE_POOLER=transaction instead',
  schema: 'set DATABASE_SCHEMA instead',
  currentSchema: 'set DATABASE_SCHEMA instead',
  search_path: 'set DATABASE_SCHEMA instead',
  ssl: 'use sslmode instead',
  connection_limit: 'set DATABASE_POOL instead',
  statement_timeout: 'the service sets its own',
};

/**
 * Parameters of which only these values are accepted. Except for `keepalives`, which {@link readKeepAlive} reads, these
 * values require nothing from the service.
 */
const ACCEPTED_VALUES: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ['disable', 'prefer'],
  gssencmode: ['disable', 'prefer'],
  load_balance_hosts: ['disable'],
  sslcompression: ['0'],
  keepalives: ['0', '1'],
  client_encoding: ['UTF8', 'utf8', 'auto'],
};

/** Milliseconds. */
const CONNECT_TIMEOUT = 3_000;
/** Seconds. */
const KEEP_ALIVE = 60;

/** Reads a connection URL. Passes each fault to `report`, and returns null if the URL has a fault. */
export function readConnectionUrl(url: string, report: AddFault): ConnectionTarget | null {
  let faults = 0;
  const addFault: AddFault = (sentence) => {
    faults += 1;
    report(sentence);
  };
  const target = parseUrl(url, addFault);
  return faults === 0 ? target : null;
}

/** Reads a URL that the configuration has checked. Throws if it has a fault. */
export function parseConnectionUrl(url: string): ConnectionTarget {
  const faults: string[] = [];
  const target = readConnectionUrl(url, (sentence) => faults.push(sentence));
  if (target === null) throw new Error(faults.join(' '));
  return target;
}

/** Reads the parts of the URL. Null if it is not a PostgreSQL URL at all. Other faults are only reported. */
function parseUrl(url: string, addFault: AddFault): ConnectionTarget | null {
  const parts = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^@/?#]*)(?:\/([^/?#]*))?(?:\?([^#]*))?$/.exec(url);
  const parameters = readQuery(parts?.[4] ?? '', addFault);
  if (parts === null) {
    addFault(
      'has an invalid value (not shown): it must be a URL such as postgres://user:password@host:5432/database.',
    );
    return null;
  }
  const [userPart = '', ...passwordParts] = (parts[1] ?? '').split(':');
  const take = (name: string) => {
    const value = parameters.get(name);
    parameters.delete(name);
    return value;
  };
  const user = take('user') ?? (decode(userPart, addFault) || userInfo().username);
  const password = take('password') ?? decode(passwordParts.join(':'), addFault);
  const hosts = readHosts(parts[2] ?? '', take, addFault);
  const database = take('dbname') ?? decode(parts[3] ?? '', addFault);
  const tls = readTls(take, addFault);
  const target = {
    hosts,
    user,
    password,
    database: database === '' ? user : database,
    ...tls,
    connectTimeout: readSeconds('connect_timeout', take, addFault) ?? CONNECT_TIMEOUT,
    keepAlive: readKeepAlive(take, parameters, addFault),
    applicationName: take('application_name') ?? take('fallback_application_name') ?? 'kinship',
    settings: parseOptions(take('options') ?? '', addFault),
    role: readRole(take('target_session_attrs') ?? 'any', addFault),
  };
  take('fallback_application_name');
  refuseRest(parameters, addFault);
  return target;
}

/** As in libpq, a plus sign is not decoded to a space. */
function readQuery(query: string, addFault: AddFault): Parameters {
  const parameters: Parameters = new Map();
  for (const part of query.split('&').filter((part) => part !== '')) {
    const [name = '', ...value] = part.split('=');
    parameters.set(decode(name, addFault), decode(value.join('='), addFault));
  }
  return parameters;
}

function decode(text: string, addFault: AddFault): string {
  try {
    const decoded = decodeURIComponent(text);
    // PostgreSQL would read the text after this character as another parameter.
    if (decoded.includes('\0')) addFault('has a character with the code 0.');
    return decoded;
  } catch {
    addFault('has a percent sign that is not part of a valid escape.');
    return '';
  }
}

/** As in libpq, the parameter `host` replaces the host names of the authority, and `port` replaces its ports. */
function readHosts(authority: string, take: Take, addFault: AddFault): ServerHost[] {
  const own = authority.split(',').map(splitPort);
  const names = take('host')?.split(',') ?? own.map(({ name }) => decode(name, addFault));
  const ports = take('port')?.split(',') ?? own.map(({ port }) => port);
  if (ports.length !== 1 && ports.length !== names.length)
    addFault('has another number of ports than of hosts.');
  return names.map((name, index) => {
    const host = name.replace(/^\[(.*)\]$/, '$1');
    const port = Number((ports.length === 1 ? ports[0] : ports[index]) || '5432');
    if (host === '') addFault('names no host.');
    if (!Number.isInteger(port) || port < 1 || port > 65_535) addFault('has an invalid port.');
    return { host, port, path: host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : null };
  });
}

/** An entry such as `[::1]:5432`. The port may be missing. The name of an invalid entry is empty. */
function splitPort(entry: string): { readonly name: string; readonly port: string } {
  const [, name = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(entry) ?? [];
  return { name, port };
}

/** Returns a parameter, and removes it from the parameters that are still to be read. */
type Take = (name: string) => string | undefined;

function readTls(take: Take, addFault: AddFault) {
  const rootFile = take('sslrootcert');
  const isDirectTls = readNegotiation(take, addFault);
  const certificates = {
    ...(rootFile !== undefined &&
      rootFile !== 'system' && { ca: readFileParameter('sslrootcert', rootFile, addFault) }),
    ...readOptionalFile('sslcert', 'cert', take, addFault),
    ...readOptionalFile('sslkey', 'key', take, addFault),
  };
  // These parameters are for TLS only. A URL that has one must not lead to an unencrypted connection.
  const wantsTls = isDirectTls || Object.keys(certificates).length > 0 || rootFile !== undefined;
  const sslmode = take('sslmode') ?? (wantsTls ? 'require' : 'disable');
  if (isDirectTls && sslmode === 'disable')
    addFault('has sslnegotiation=direct, which needs another sslmode.');
  return { tls: toTlsMode(sslmode, rootFile, addFault), isDirectTls, certificates };
}

/** Reads whether TLS begins without an SSLRequest. */
function readNegotiation(take: Take, addFault: AddFault): boolean {
  const value = take('sslnegotiation') ?? 'postgres';
  if (value !== 'postgres' && value !== 'direct')
    addFault('has sslnegotiation, which must be one of postgres, direct.');
  return value === 'direct';
}

/**
 * Interprets `sslmode` as libpq does, with one exception: an encrypted connection is always verified. So `require`
 * without a root certificate is `verify-full`. Modes that may leave the connection unencrypted are refused.
 */
function toTlsMode(sslmode: string, rootFile: string | undefined, addFault: AddFault): TlsMode {
  switch (sslmode) {
    case 'disable':
    case 'verify-full':
      return sslmode;
    case 'verify-ca':
    case 'require':
      return rootFile === 'system' || (sslmode === 'require' && rootFile === undefined)
        ? 'verify-full'
        : 'verify-ca';
    default:
      addFault('has an unsupported sslmode: use one of disable, require, verify-ca, verify-full.');
      return 'verify-full';
  }
}

function readOptionalFile(parameter: string, name: 'cert' | 'key', take: Take, addFault: AddFault) {
  const file = take(parameter);
  return file === undefined ? {} : { [name]: readFileParameter(parameter, file, addFault) };
}

function readFileParameter(parameter: string, file: string, addFault: AddFault): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    addFault(`has ${parameter}, whose file cannot be read (${(error as NodeJS.ErrnoException).code}).`);
    return '';
  }
}

/**
 * Reads a parameter in whole seconds from 1 to 60, and returns milliseconds. In libpq, 0 means "no limit" or the
 * default of the system.
 */
function readSeconds(parameter: string, take: Take, addFault: AddFault): number | null {
  const value = take(parameter);
  if (value === undefined) return null;
  const seconds = Number(value);
  if (/^\d+$/.test(value) && seconds >= 1 && seconds <= 60) return seconds * 1_000;
  addFault(`has an invalid ${parameter}: use whole seconds from 1 to 60.`);
  return null;
}

function readKeepAlive(take: Take, parameters: Parameters, addFault: AddFault): number | null {
  const idle = readSeconds('keepalives_idle', take, addFault);
  if (parameters.get('keepalives') === '0') return null;
  return idle === null ? KEEP_ALIVE : idle / 1_000;
}

function readRole(value: string, addFault: AddFault): ServerRole {
  if (isServerRole(value)) return value;
  addFault(
    'has an unsupported target_session_attrs: use any, read-write or primary, because the service writes.',
  );
  return 'any';
}

function refuseRest(parameters: Parameters, addFault: AddFault): void {
  for (const [name, value] of parameters) {
    if (ACCEPTED_VALUES[name]?.includes(value)) continue;
    const shown = /^\w{1,40}$/.test(name) ? name : '(name not shown)';
    const instead = ACCEPTED_VALUES[name]
      ? `only ${ACCEPTED_VALUES[name].join(' or ')} is supported`
      : (REPLACEMENTS[name] ?? 'it is not supported');
    addFault(`has the parameter ${shown}: ${instead}.`);
  }
}

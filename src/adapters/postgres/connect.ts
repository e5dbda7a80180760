import postgres from 'postgres';
import { ARRAY_TYPES } from './connection/arrays.ts';
import { type Connector, createConnector } from './connection/driver-socket.ts';
import type { PoolerMode } from './connection/session.ts';
import { type ConnectionTarget, parseConnectionUrl } from './connection/url.ts';
import { STATEMENT_TIMEOUT } from './execute.ts';
import { createReconnectingPool } from './reconnecting-pool.ts';

export type Sql = postgres.Sql;

/** The address of PostgreSQL: a URL, or the Unix socket of the embedded database with its single connection. */
export type PostgresAddress = UrlAddress | { readonly kind: 'embedded'; readonly socketPath: string };

export interface UrlAddress {
  readonly kind: 'url';
  readonly url: string;
  /** The maximum number of connections. */
  readonly pool: number;
  /** The default is `session`. */
  readonly pooler?: PoolerMode;
  /** The schema of all tables. Null or absent: the `search_path` of the role decides. */
  readonly schema?: string | null;
}

/** Called with the text of each statement that is sent. */
export type OnStatement = (text: string) => void;

/**
 * Seconds between two attempts to connect. The driver connects only for a waiting statement, and each failed attempt
 * fails one statement. A growing pause would delay the other statements, even after the database is back.
 */
const RECONNECT_DELAY = () => 0.01;

/** Seconds after which a connection is replaced. Random, as the driver's own default, to spread the replacements. */
const MAX_LIFETIME = () => 60 * (30 + Math.random() * 30);

/** Without its option `target_session_attrs` the driver reads this variable. The option has no value for `any`. */
delete process.env.PGTARGETSESSIONATTRS;

/** Sets every option that the driver would otherwise read from a URL or from the PG* variables of the environment. */
const FIXED_OPTIONS = {
  ssl: false,
  sslnegotiation: null,
  idle_timeout: undefined,
  max_lifetime: MAX_LIFETIME,
  max_pipeline: 100,
  backoff: RECONNECT_DELAY,
  keep_alive: 0,
  debug: false,
  publications: 'alltables',
  // The driver would query the types on each new connection. A loss at that moment would end the process.
  fetch_types: false,
  types: ARRAY_TYPES,
  onnotice: () => {},
};

/**
 * Creates a pool. It opens connections when statements need them, and reconnects after a loss. Statements reject with
 * the errors of the driver, which {@link mapDriverError} translates.
 */
export function connect(address: PostgresAddress, onStatement?: OnStatement): Sql {
  const debug = onStatement && { debug: (_connection: number, text: string) => onStatement(text) };
  if (address.kind === 'embedded') {
    const options = { ...embeddedOptions(address.socketPath), ...debug };
    return createReconnectingPool(
      ({ onparameter, onclose }) => createDriverPool({ ...options, onparameter, onclose }),
      { isTransactionPooled: false },
    );
  }
  const { socket, ...options } = { ...urlOptions(address), max: address.pool, ...debug };
  return createReconnectingPool(
    ({ onparameter, onLost }) => createDriverPool({ ...options, onparameter, socket: () => socket(onLost) }),
    { isTransactionPooled: address.pooler === 'transaction' },
  );
}

/** Events of a listening connection. */
interface ListenEvents {
  /** Called for each notification, in the order of their commits. */
  onnotify(channel: string, payload: string): void;
  /** Called when the connection closes. The driver may call it repeatedly, and after `end`. */
  onclose(): void;
}

/**
 * Seconds. If a connection is ended while it connects, the driver may still open it and leave it open. Then the idle
 * timeout closes the connection.
 */
const LISTEN_IDLE_TIMEOUT = 30;

/**
 * Creates a single connection for LISTEN. After a loss, the driver's own `listen` would subscribe again without a
 * report. The notifications in between would be lost. The caller must send statements at shorter intervals than the
 * idle timeout.
 */
export function connectToListen(address: UrlAddress, events: ListenEvents): Sql {
  const { socket, ...options } = urlOptions(address);
  return createDriverPool({
    ...options,
    ...events,
    socket: () => socket(),
    max: 1,
    max_lifetime: null,
    idle_timeout: LISTEN_IDLE_TIMEOUT,
  });
}

function urlOptions(address: UrlAddress) {
  const target = parseConnectionUrl(address.url);
  const { hosts, user, password, database, applicationName } = target;
  return {
    ...FIXED_OPTIONS,
    // The driver uses host and port for its messages only. `socket` connects.
    host: hosts.slice(0, 1).map(({ host }) => host),
    port: hosts.slice(0, 1).map(({ port }) => port),
    user,
    // A function, because the driver would replace an empty password with PGPASSWORD.
    pass: () => password,
    database,
    connect_timeout: totalConnectTimeout(target),
    connection: { application_name: applicationName },
    prepare: (address.pooler ?? 'session') === 'session',
    socket: connectorOf(address, target),
  };
}

/** The connectors, by the addresses. The pool and the listening connection share what is known about the hosts. */
const connectors = new WeakMap<UrlAddress, Connector>();

function connectorOf(address: UrlAddress, target: ConnectionTarget): Connector {
  const { pooler = 'session', schema = null } = address;
  const { settings, role } = target;
  const connector = connectors.get(address) ?? createConnector(target, { pooler, schema, settings, role });
  connectors.set(address, connector);
  return connector;
}

/** Seconds for the attempts at all hosts, one after another, with their handshakes. */
function totalConnectTimeout({ hosts, connectTimeout }: ConnectionTarget): number {
  return (hosts.length * connectTimeout) / 1_000;
}

function embeddedOptions(socketPath: string) {
  return {
    ...FIXED_OPTIONS,
    path: socketPath,
    max: 1,
    database: 'postgres',
    user: 'postgres',
    pass: () => '',
    // The database is in a thread of a running process, so a connection is late only while the machine is busy.
    connect_timeout: 30,
    prepare: true,
    connection: { application_name: 'kinship', statement_timeout: STATEMENT_TIMEOUT },
  };
}

function createDriverPool(options: object): Sql {
  // The driver's types lack some of its options, and make the declared array types a parameter of `Sql`.
  return postgres(options as postgres.Options<Record<string, never>>) as unknown as Sql; // same object, wider type
}

import postgres from 'postgres';
import { ARRAY_TYPES } from './connection/arrays.ts';
import { createConnector } from './connection/dial.ts';
import type { PoolerMode } from './connection/session.ts';
import { type ConnectionTarget, parseConnectionUrl } from './connection/url.ts';
import { STATEMENT_TIMEOUT } from './execute.ts';
import { createReconnectingPool } from './reconnecting-pool.ts';

export type Sql = postgres.Sql;

/** Where PostgreSQL is: a URL, or the Unix socket of the embedded one, which takes one connection only. */
export type PostgresAddress = UrlAddress | { readonly kind: 'embedded'; readonly socketPath: string };

export interface UrlAddress {
  readonly kind: 'url';
  readonly url: string;
  /** Connections. */
  readonly pool: number;
  /** By default `session`. */
  readonly pooler?: PoolerMode;
  /** The schema of all tables; null or absent: what the role's `search_path` says. */
  readonly schema?: string | null;
}

/** Told of each statement that is sent, by its text. */
export type OnStatement = (text: string) => void;

/**
 * Seconds between two tries to connect. There is a try only where a statement waits for it, each fails one
 * statement, and the others queue behind: a pause that grew would make everybody wait for a database that is
 * known to be away, and go on waiting when it is back.
 */
const BACKOFF = () => 0.01;

/** Seconds after which a connection is replaced by a new one, give or take: as the driver has it. */
const MAX_LIFETIME = () => 60 * (30 + Math.random() * 30);

/** The driver obeys it whatever its options say, and has no value for "any". */
delete process.env.PGTARGETSESSIONATTRS;

/** Every option that the driver would otherwise take from a URL or from PG* variables of the environment. */
const COMMON = {
  ssl: false,
  sslnegotiation: null,
  idle_timeout: undefined,
  max_lifetime: MAX_LIFETIME,
  max_pipeline: 100,
  backoff: BACKOFF,
  keep_alive: 0,
  debug: false,
  publications: 'alltables',
  // Asked by each new connection, whose loss at that moment would end the process.
  fetch_types: false,
  types: ARRAY_TYPES,
  onnotice: () => {},
};

/**
 * A pool of connections, opened when first needed and again after a loss. Rejections are left as the driver has
 * them; see {@link asked}.
 */
export function connect(address: PostgresAddress, onStatement?: OnStatement): Sql {
  const debug = onStatement && { debug: (_connection: number, text: string) => onStatement(text) };
  const options =
    address.kind === 'embedded'
      ? embeddedOptions(address.socketPath)
      : { ...urlOptions(address), max: address.pool };
  const closesGivenUp = address.kind === 'url' && address.pooler === 'transaction';
  return createReconnectingPool((events) => open({ ...options, ...debug, ...events }), { closesGivenUp });
}

/** What a connection that listens has to tell. */
interface Listening {
  /** Called for each notification that arrives, in the order in which they were committed. */
  onnotify(channel: string, payload: string): void;
  /** Called whenever the connection is gone, long after its end too. */
  onclose(): void;
}

/** Seconds. Given up while it connects, the driver may connect all the same, and would then leave that open. */
const STRAY = 30;

/**
 * One connection that is kept until its end, to LISTEN on. The driver's own `listen` is not used: it subscribes
 * again by itself, and tells nobody that for a while it heard nothing. To be asked something now and then.
 */
export function connectToListen(address: UrlAddress, listening: Listening): Sql {
  return open({ ...urlOptions(address), ...listening, max: 1, max_lifetime: null, idle_timeout: STRAY });
}

function urlOptions({ url, pooler = 'session', schema = null }: UrlAddress) {
  const target = parseConnectionUrl(url);
  const { hosts, user, password, database, applicationName, settings, role } = target;
  return {
    ...COMMON,
    // Known to the driver for its messages only: it does not dial.
    host: hosts.slice(0, 1).map(({ host }) => host),
    port: hosts.slice(0, 1).map(({ port }) => port),
    user,
    // A function, or an empty password would be replaced by PGPASSWORD.
    pass: () => password,
    database,
    connect_timeout: secondsToConnect(target),
    connection: { application_name: applicationName },
    prepare: pooler === 'session',
    socket: createConnector(target, { pooler, schema, settings, role }),
  };
}

/** For all hosts, one after the other, and the greeting. */
function secondsToConnect({ hosts, connectTimeout }: ConnectionTarget): number {
  return (hosts.length * connectTimeout) / 1_000;
}

function embeddedOptions(socketPath: string) {
  return {
    ...COMMON,
    path: socketPath,
    max: 1,
    database: 'postgres',
    user: 'postgres',
    pass: () => '',
    connect_timeout: 3,
    prepare: true,
    connection: { application_name: 'kinship', statement_timeout: STATEMENT_TIMEOUT },
  };
}

function open(options: object): Sql {
  // The driver's types lack some of its options, and make declared array types a parameter of `Sql`.
  return postgres(options as postgres.Options<Record<string, never>>) as unknown as Sql; // same object, wider type
}

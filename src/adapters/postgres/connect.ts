import postgres from 'postgres';
import { STATEMENT_TIMEOUT } from './asked.ts';
import { dial } from './dial.ts';
import { renewing } from './renewing.ts';

export type Sql = postgres.Sql;

/** Where PostgreSQL is: a URL, or the Unix socket of the embedded one, which takes one connection only. */
export type PostgresAddress =
  | { readonly kind: 'url'; readonly url: string; readonly pool: number }
  | { readonly kind: 'embedded'; readonly socketPath: string };

/** Told of each statement that is sent, by its text. */
export type OnStatement = (text: string) => void;

/**
 * Seconds between two tries to connect. There is a try only where a statement waits for it, each fails one
 * statement, and the others queue behind: a pause that grew would make everybody wait for a database that is
 * known to be away, and go on waiting when it is back.
 */
const BACKOFF = () => 0.01;

const COMMON = {
  connect_timeout: 3,
  backoff: BACKOFF,
  onnotice: () => {},
  socket: dial,
  connection: { application_name: 'kinship', statement_timeout: STATEMENT_TIMEOUT },
};

/**
 * A pool of connections, opened when first needed and again after a loss. Rejections are left as the driver has
 * them; see {@link asked}.
 */
export function connect(address: PostgresAddress, onStatement?: OnStatement): Sql {
  const options = {
    ...COMMON,
    ...(onStatement && { debug: (_connection: number, text: string) => onStatement(text) }),
  };
  if (address.kind === 'embedded') {
    const embedded = { path: address.socketPath, max: 1, database: 'postgres', username: 'postgres' };
    return renewing((events) => postgres({ ...options, ...events, ...embedded }));
  }
  const { url, pool: max } = address;
  return renewing((events) => postgres(url, { ...options, ...events, max, ...tlsOf(url) }));
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
export function connectToListen(url: string, listening: Listening): Sql {
  const alone = { max: 1, max_lifetime: null, idle_timeout: STRAY, fetch_types: false };
  return postgres(url, { ...COMMON, ...tlsOf(url), ...listening, ...alone });
}

/**
 * With TLS asked for, the certificate is verified: an encrypted line to an impostor is worth nothing. Said in full,
 * since the driver has other names for it too, and an environment variable, which do not verify.
 */
function tlsOf(url: string): { ssl: false | 'verify-full' } {
  const { searchParams } = new URL(url);
  const mode = searchParams.get('sslmode') ?? searchParams.get('ssl') ?? 'disable';
  return { ssl: ['disable', 'false', '0'].includes(mode) ? false : 'verify-full' };
}

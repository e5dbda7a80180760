import postgres from 'postgres';

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
const BACKOFF = 0.01;

/**
 * A pool of connections, opened when first needed and again after a loss. Rejections are left as the driver has
 * them; see {@link asked}.
 */
export function connect(address: PostgresAddress, onStatement?: OnStatement): Sql {
  const options = {
    connect_timeout: 3,
    backoff: () => BACKOFF,
    onnotice: () => {},
    connection: { application_name: 'kinship', statement_timeout: 10_000 },
    ...(onStatement && { debug: (_connection: number, text: string) => onStatement(text) }),
  };
  if (address.kind === 'embedded') {
    return postgres({
      ...options,
      path: address.socketPath,
      max: 1,
      database: 'postgres',
      username: 'postgres',
    });
  }
  return postgres(address.url, { ...options, max: address.pool, ...tlsOf(address.url) });
}

/** With TLS asked for, the certificate is verified: an encrypted line to an impostor is worth nothing. */
function tlsOf(url: string): { ssl?: 'verify-full' } {
  const mode = new URL(url).searchParams.get('sslmode') ?? 'disable';
  return mode === 'disable' ? {} : { ssl: 'verify-full' };
}

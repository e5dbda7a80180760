import postgres from 'postgres';

export type Sql = postgres.Sql;

/** Where PostgreSQL is: a URL, or the Unix socket of the embedded one, which takes one connection only. */
export type PostgresAddress =
  | { readonly kind: 'url'; readonly url: string; readonly pool: number }
  | { readonly kind: 'embedded'; readonly socketPath: string };

/** Told of each statement that is sent, by its text. */
export type OnStatement = (text: string) => void;

/**
 * A pool of connections, opened when first needed and again after a loss. Rejections are left as the driver has
 * them; see {@link asked}.
 */
export function connect(address: PostgresAddress, onStatement?: OnStatement): Sql {
  const options = {
    connect_timeout: 3,
    backoff: (retries: number) => Math.min(2 ** retries / 10, 2),
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

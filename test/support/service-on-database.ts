import { randomUUID } from 'node:crypto';
import tap, { type Test } from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { digest } from './digest.ts';
import { claimsOf, hmac } from './forge.ts';
import { type HttpService, startHttpService } from './http.ts';
import { storesOn } from './open-stores.ts';
import { migratedDatabase, requirePostgres } from './postgres.ts';
import { someKeys } from './sessions.ts';

/** The expected answers to refused requests. */
export const refusal = {
  request: '400 invalid_request',
  malformed: '400 malformed_token',
  invalid: '401 invalid_token',
  mismatch: '401 pair_mismatch',
  expired: '401 token_expired',
  reused: '401 token_reused',
} as const;

/** A pair in the form of the body of a refresh. */
export interface Pair {
  readonly refreshToken: string;
  readonly accessToken: string;
}

/**
 * Declares a test with its own migrated PostgreSQL database. Without PostgreSQL the test is skipped with a
 * message.
 */
export function databaseTest(name: string, run: (t: Test, sql: Sql) => Promise<void>): void {
  tap.test(name, async (t) => {
    if (!(await requirePostgres(t))) return;
    await run(t, await migratedConnection(t));
  });
}

/** A pool on a new database with the current schema. */
export async function migratedConnection(t: Test, pool = 10): Promise<Sql> {
  const sql = connect({ kind: 'url', url: await migratedDatabase(t), pool });
  t.teardown(() => sql.end());
  return sql;
}

interface Opening {
  readonly userId?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

/** The service on the database of `sql`. The test knows the keys of the service. */
export async function serviceOnDatabase(
  t: Test,
  sql: Sql,
  settings: Omit<NonNullable<Parameters<typeof startHttpService>[1]>, 'stores'> = {},
) {
  const keys = settings.keys ?? someKeys();
  const service = await startHttpService(t, { ...settings, keys, stores: storesOn(sql) });
  return {
    ...service,
    sql,
    keys,
    /** Signers of the service's own keys. */
    sign: { access: hmac(firstKey(keys.accessKeys)), refresh: hmac(firstKey(keys.refreshKeys)) },

    /** Opens a session of the given user, or of a new one. */
    async open({ userId = randomUUID(), query = '', headers = {} }: Opening = {}): Promise<Pair> {
      return pairOf(await service.post(`/auth/login?userId=${userId}${query}`, undefined, headers));
    },

    /** Refreshes the pair. */
    async next(pair: Partial<Pair>, headers: Record<string, string> = {}): Promise<Pair> {
      return pairOf(await service.post('/auth/refresh', pair, headers));
    },
  };
}

export type ServiceOnDatabase = Awaited<ReturnType<typeof serviceOnDatabase>>;

function firstKey([key]: readonly { readonly bytes: Uint8Array }[]): Uint8Array {
  if (key === undefined) throw new Error('no key');
  return key.bytes;
}

type Answer = Awaited<ReturnType<HttpService['send']>>;

function pairOf({ status, body }: Answer): Pair {
  if (status !== 200) throw new Error(`Expected a token pair, got ${status} ${body.code}`);
  return { refreshToken: String(body.refresh), accessToken: String(body.access) };
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  /** The names of the accepted security schemes. */
  readonly security: readonly string[];
  /** Whether some configuration accepts requests without credentials. */
  readonly isOpen: boolean;
}

/** Every route that the service documents. */
export async function readOperations(service: Pick<HttpService, 'send'>): Promise<Operation[]> {
  const { body } = await service.send('/docs/json');
  const paths = body.paths as Record<string, Record<string, { security?: object[] }>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security = [] }]) => ({
      method: method.toUpperCase(),
      path,
      security: security.flatMap((one) => Object.keys(one)),
      isOpen: security.length === 0 || security.some((one) => Object.keys(one).length === 0),
    })),
  );
}

/** Status and code in one line. */
export function outcomeOf({ status, body }: Pick<Answer, 'status' | 'body'>): string {
  return typeof body.code === 'string' ? `${status} ${body.code}` : String(status);
}

/** Asserts that the request changes no table, apart from the records of refusals. Returns its result. */
export async function assertUnchanged<T>(
  t: Test,
  sql: Sql,
  request: () => Promise<T>,
  name: string,
): Promise<T> {
  const before = await digest(sql);
  const answer = await request();
  t.same(await digest(sql), before, `${name}: nothing changed`);
  return answer;
}

/** Asserts that each refresh is answered with `wanted`, and changes nothing. */
export async function assertRefused(
  t: Test,
  service: ServiceOnDatabase,
  wanted: string,
  requests: Readonly<Record<string, unknown>>,
): Promise<void> {
  for (const [name, body] of Object.entries(requests)) {
    const answer = await assertUnchanged(t, service.sql, () => service.post('/auth/refresh', body), name);
    t.equal(outcomeOf(answer), wanted, name);
    t.equal(answer.headers.get('content-type'), 'application/problem+json', `${name}: a problem document`);
  }
}

/** Asserts that the pair can still be refreshed. */
export async function assertRefreshable(
  t: Test,
  service: ServiceOnDatabase,
  pair: Partial<Pair>,
): Promise<void> {
  t.equal((await service.post('/auth/refresh', pair)).status, 200, 'the session lives');
}

/** The outbox entries of a session, each as `<kind> <type>` (for example `event sessions.revoked`), sorted. */
export async function outboxLinesOf(sql: Sql, token: string): Promise<string[]> {
  const { tokenFamily } = claimsOf(token);
  const rows = await sql<{ line: string }[]>`
    select kind || ' ' || type as line from outbox
    where data ->> 'sessionId' = ${String(tokenFamily)} order by 1`;
  return rows.map(({ line }) => line);
}

/** The ids of the revoked sessions. */
export async function revokedFamilies(sql: Sql): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select token_family as id from token_families where revoked_at is not null order by 1`;
  return rows.map(({ id }) => id);
}

export function familyOf({ refreshToken }: Pick<Pair, 'refreshToken'>): string {
  return String(claimsOf(refreshToken).tokenFamily);
}

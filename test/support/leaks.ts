import type { Test } from 'tap';
import type { Sql } from '../../src/adapters/postgres/connect.ts';
import { claimsOf } from './forge.ts';
import type { ServiceOnDatabase } from './service-on-database.ts';

/**
 * Makes checks that an answer or the log contains none of these secrets. A failure shows the name of the secret, which
 * is its key in `secrets`.
 */
export function createLeakCheck(
  t: Test,
  service: Pick<ServiceOnDatabase, 'lines'>,
  secrets: Readonly<Record<string, string>>,
) {
  return {
    /** Checks an answer to a client that does not own the secrets. */
    answer(name: string, text: string): void {
      const found = Object.keys(secrets).filter((secret) => text.includes(secrets[secret] ?? ''));
      t.same(found, [], `the answer to ${name}`);
    },
    log(): void {
      const text = service.lines.join('');
      t.ok(text.includes('"answered"'), 'the log is not empty');
      const found = Object.keys(secrets).filter((secret) => text.includes(secrets[secret] ?? ''));
      t.same(found, [], 'the log');
    },
  };
}

/** The parts of a token that must not leak. */
export function secretParts(name: string, token: string): Record<string, string> {
  const [, payload = '', signature = ''] = token.split('.');
  return {
    [`${name}, its payload`]: payload,
    [`${name}, its signature`]: signature,
    [`${name}, its jti`]: String(claimsOf(token).jti),
  };
}

/** The status, headers and body of an answer in one text. */
export async function textOf(response: Response): Promise<string> {
  return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`;
}

type Value = string | Buffer | object | number | boolean | null;

/** Every value of every table, and each value nested in it. */
export async function dump(sql: Sql): Promise<Value[]> {
  const tables = await sql<
    { name: string }[]
  >`select tablename as name from pg_tables where schemaname = 'public'`;
  const rows = await Promise.all(
    tables.map(({ name }) => sql<Record<string, Value>[]>`select * from ${sql(name)}`),
  );
  return rows.flat().flatMap((row) => Object.values(row).flatMap(nestedValues));
}

function nestedValues(value: Value): Value[] {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return [value];
  if (value instanceof Date) return [value.toISOString(), String(value.getTime())];
  return [JSON.stringify(value), ...Object.values(value).flatMap(nestedValues)];
}

/** A value in each encoding in which it could be a token, a key or a name. */
export function spellings(value: Value): string[] {
  if (!(value instanceof Buffer)) return [String(value)];
  const uuid = value.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  return [...(['hex', 'base64', 'base64url', 'latin1'] as const).map((name) => value.toString(name)), uuid];
}

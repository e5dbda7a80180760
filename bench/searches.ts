/**
 * `npm run bench:searches`: fills a database with a million users, events and deliveries, and two million sessions.
 * Measures each search of operators and users. The exit code is 1 if one of them reads more rows than its bound. The
 * script uses the PostgreSQL server of the tests (TEST_DATABASE_URL, or the standard port) and drops the database.
 */
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import type { Sql } from '../src/adapters/postgres/connect.ts';
import { migrate } from '../src/adapters/postgres/migrate.ts';
import { fillSearchedTables, measureSearch, planOf, searchesOn } from '../test/support/searches.ts';
import { statement } from './contestants/databases.ts';
import { describeMachine, say } from './report/machine.ts';

const { values: options } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const rows = Number(options.rows);

say(describeMachine());
const server = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const name = `kinship_searches_${process.pid}`;
await statement(server, `create database ${name}`);
const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
// Without the statement timeout of the service: the tables are filled by long statements.
const sql: Sql = postgres(url, { max: 2, onnotice: () => {} });
let failures = 0;
try {
  await migrate(sql);
  const started = performance.now();
  await fillSearchedTables(sql, rows);
  say(
    `${rows} users, events and deliveries, and ${2 * rows} sessions in ${Math.round((performance.now() - started) / 1_000)} s`,
  );
  await measureAll();
} finally {
  await sql.end();
  await statement(server, `drop database ${name} with (force)`);
}
process.exit(failures === 0 ? 0 : 1);

async function measureAll(): Promise<void> {
  const table = [];
  for (const search of searchesOn(sql, rows)) {
    await measureSearch(sql, search); // fills the caches
    const { milliseconds, rows: read, buffers, index } = await measureSearch(sql, search);
    const isBounded = read <= search.mostRows;
    if (!isBounded) {
      failures += 1;
      say(`${search.name} reads ${read} rows, more than ${search.mostRows}:\n${await planOf(sql, search)}`);
    }
    table.push({ search: search.name, ms: Number(milliseconds.toFixed(1)), rows: read, buffers, index });
  }
  console.table(table);
}

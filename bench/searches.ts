/**
 * `npm run bench:searches`: fills the tables with a million users, sessions and events, and measures each search of
 * operators and users. The exit code is 1 if one of them reads a whole table.
 */
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import type { Sql } from '../src/adapters/postgres/connect.ts';
import { migrate } from '../src/adapters/postgres/migrate.ts';
import { createTokenFamilies } from '../src/adapters/postgres/token-families.ts';
import { fillSearched, planOf, searchesOn } from '../test/support/searches.ts';
import { openDatabases } from './contestants/databases.ts';
import { describeMachine, say } from './report/machine.ts';

const { values: options } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const rows = Number(options.rows);

say(describeMachine());
const databases = await openDatabases();
// Without the statement timeout of the service: the tables are filled by long statements.
const sql: Sql = postgres(await databases.create('searches'), { max: 2, onnotice: () => {} });
await migrate(sql);
const started = performance.now();
await fillSearched({ sql, families: createTokenFamilies(sql, { sessionsPerUser: 100 }) }, rows);
say(`${rows} users, sessions and events in ${Math.round((performance.now() - started) / 1_000)} s`);

let areFast = true;
const table = [];
for (const search of searchesOn(sql)) {
  await planOf(sql, search, true); // fills the caches
  const plan = await planOf(sql, search, true);
  const isFast = !/Seq Scan on (?!pg_)/.test(plan);
  areFast &&= isFast;
  const index = /(?:using|on) (\w+)/.exec(
    plan
      .split('\n')
      .filter((line) => /Index/.test(line))
      .join('\n'),
  )?.[1];
  table.push({ search: search.name, ms: Number(/Execution Time: ([\d.]+)/.exec(plan)?.[1]), index });
  if (!isFast) say(plan);
}
console.table(table);
await sql.end();
await databases.remove();
process.exit(areFast ? 0 : 1);

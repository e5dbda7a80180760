/**
 * `npm run bench:growth`: measures refreshes at growing sizes of the table, the size of its files, and the work of
 * vacuum. Writes docs/growth.svg.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { type Databases, openDatabases, statement } from './contestants/databases.ts';
import { addSessions } from './contestants/kinship/many-sessions.ts';
import { startKinship } from './contestants/kinship/server.ts';
import type { Contestant } from './contestants/process.ts';
import { type Round, runJob } from './load/run.ts';
import { insertFamilies, rotateSome } from './measure/families.ts';
import { median } from './measure/statistics.ts';
import { describeMachine, say } from './report/machine.ts';
import { growthPlot } from './report/plot.ts';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000,1000000,10000000' },
    rounds: { type: 'string', default: '5' },
    /** Rotations by SQL before the measurement, for each family. The next option limits their sum over all families. */
    rotations: { type: 'string', default: '20' },
    'rotations-at-most': { type: 'string', default: '4000000' },
  },
});

const CLIENTS = 32;
/** The table is filled in this many parts. Sessions are opened after each part, so they are spread over the table. */
const PARTS = 50;
const SESSIONS_PER_CLIENT_AND_PART = 3;
const BATCH = 10_000;
const CLIENT = new URL('contestants/kinship/many-sessions.ts', import.meta.url).href;
const PLOT = fileURLToPath(new URL('../docs/growth.svg', import.meta.url));

interface FilledTable {
  readonly families: number;
  readonly databaseUrl: string;
  readonly service: Contestant;
  readonly target: Contestant['target'];
  readonly rounds: Round[];
}

say(describeMachine());
const databases = await openDatabases();
const folder = mkdtempSync(join(tmpdir(), 'kinship-growth-'));
const all: FilledTable[] = [];
for (const families of options.sizes.split(',').map(Number)) all.push(await grow(databases, families));
for (let round = 1; round <= Number(options.rounds); round += 1)
  for (const one of all) await measureRefreshes(one);
for (const one of all) console.table([await describe(one)]);
const points = all.map(({ families, rounds }) => ({
  families,
  p50: median(rounds.map(({ p50 }) => p50)),
  p99: median(rounds.map(({ p99 }) => p99)),
}));
console.table(points);
writeFileSync(PLOT, growthPlot(points));
await measurePurge(all.at(-1)!);
for (const { service } of all) await service.stop();
await databases.remove();
rmSync(folder, { recursive: true });
process.exit(0);

async function grow(databases: Databases, families: number): Promise<FilledTable> {
  const databaseUrl = await databases.create(`families_${families}`);
  const service = await startKinship(databaseUrl);
  const target = { ...service.target, folder: mkdtempSync(join(folder, 'sessions-')) };
  const part = families / PARTS;
  for (let last = part; last <= families; last += part) {
    await statement(databaseUrl, insertFamilies(last - part + 1, last));
    await addSessions(target, CLIENTS, SESSIONS_PER_CLIENT_AND_PART);
  }
  await statement(databaseUrl, 'vacuum analyze token_families');
  const rotations = Math.min(families * Number(options.rotations), Number(options['rotations-at-most']));
  for (let done = 0; done < rotations; done += BATCH) {
    await statement(databaseUrl, rotateSome(families, BATCH));
  }
  say(`${families} families, ${rotations} rotations`);
  return { families, databaseUrl, service, target, rounds: [] };
}

async function measureRefreshes({ families, service, target, rounds }: FilledTable): Promise<void> {
  const load = { clients: CLIENTS, warmUpSeconds: 1, seconds: 5 };
  const watched = { service: service.pid, database: databases.pid };
  const round = await runJob({ client: CLIENT, scenario: 'refresh', target, ...load }, watched);
  rounds.push(round);
  say(`${families}: ${Math.round(round.perSecond)}/s, p50 ${round.p50.toFixed(1)} ms`);
}

async function describe({ families, databaseUrl, rounds }: FilledTable): Promise<Record<string, unknown>> {
  const [row] = await statement(
    databaseUrl,
    `select pg_relation_size(relid) as heap, pg_indexes_size(relid) as indexes, n_dead_tup as dead,
       n_live_tup as live, autovacuum_count as vacuumed, n_tup_hot_upd as hot, n_tup_upd as updated
     from pg_stat_user_tables where relname = 'token_families'`,
  );
  const numbers = Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
  const { heap = 0, indexes = 0, dead = 0, live = 0, vacuumed = 0, hot = 0, updated = 0 } = numbers;
  return {
    families,
    'refreshes/s': Math.round(median(rounds.map(({ perSecond }) => perSecond))),
    'p50, ms': median(rounds.map(({ p50 }) => p50)).toFixed(2),
    'p99, ms': median(rounds.map(({ p99 }) => p99)).toFixed(2),
    'heap B/family': Math.round(heap / live),
    'indexes B/family': Math.round(indexes / live),
    'dead rows': dead,
    'dead share': `${((100 * dead) / (live + dead)).toFixed(1)} %`,
    autovacuums: vacuumed,
    'HOT updates': `${((100 * hot) / updated).toFixed(1)} %`,
  };
}

/** Ends a fifth of the families, at most 200,000, and measures refreshes while these families are purged. */
async function measurePurge(grown: FilledTable): Promise<void> {
  const { databaseUrl, families } = grown;
  const ended = Math.min(families / 5, 200_000);
  await statement(
    databaseUrl,
    `update token_families set expires_at = now() - interval '200 days', refresh_expires_at = now() - interval '200 days'
     where token_family in (select md5(n::text)::uuid from generate_series(1, ${ended}) n)`,
  );
  const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const started = performance.now();
  const env = { ...process.env, DATABASE_URL: databaseUrl };
  const purge = promisify(execFile)(process.execPath, [program, 'purge'], { env });
  await measureRefreshes(grown);
  say('the round above ran during a purge');
  await purge;
  say(`purged ${ended} families at ${Math.round((1_000 * ended) / (performance.now() - started))}/s`);
}

/**
 * `npm run bench`: measures the service, bare PostgreSQL and the peers in interleaved rounds. Compares the figures with
 * their goals. Options: --rounds 5, --seconds 5, --refreshes 1000000 (before memory is read).
 */
import { parseArgs } from 'node:util';
import { openDatabases } from './contestants/databases.ts';
import { startKinship } from './contestants/kinship/server.ts';
import { median } from './measure/statistics.ts';
import { measureMemoryAfter } from './memory.ts';
import { HAS_COMPILED_ARGON2, measureRates, WITH_PREBUILT, WITH_WORKERS } from './rates.ts';
import { atLeast, atMost, type Goal, goalsTable } from './report/goals.ts';
import { describeMachine, say } from './report/machine.ts';
import { cpuRatiosOf, ratesTable, ratiosOf, ratiosTable } from './report/tables.ts';
import { measureColdStart } from './start.ts';
import { measureLoginTiming } from './timing.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    refreshes: { type: 'string', default: '1000000' },
  },
});

const MEGABYTE = 1e6;
const CLIENTS = 32;
const TRIES = 500;
const STARTS = 9;
const GUESSES = 400;

const databases = await openDatabases();
say(`${describeMachine()}, PostgreSQL ${databases.version} with its defaults`);

const plan = {
  rounds: Number(options.rounds),
  seconds: Number(options.seconds),
  warmUpSeconds: 1,
  clients: CLIENTS,
  tries: TRIES,
};
const { rates, twice } = await measureRates(databases, plan, say);
say(`\n${ratesTable(rates)}\n\n${ratiosTable(rates)}\n`);

const databaseUrl = await databases.create('alone');
const service = await startKinship(databaseUrl);
const timing = await measureLoginTiming(service.target, GUESSES);
await service.stop();
const memory = await measureMemoryAfter(databaseUrl, Number(options.refreshes));
const ready = await measureColdStart(databaseUrl, STARTS);
await databases.remove();

const rateOf = (name: string) => rates.get(name) ?? [];
const tail = median(rateOf('kinship refresh').map(({ p50, p99 }) => p99 / p50));
const ratio = (name: string) => median(ratiosOf(rates, name));
const loginsByRefresh = rateOf('kinship login').map(
  ({ perSecond }, round) => perSecond / (rateOf('kinship refresh')[round]?.perSecond ?? Number.NaN),
);
const goals: Goal[] = [
  atMost(
    'CPU of a refresh ÷ a bare Fastify route with a log line',
    2.5,
    median(cpuRatiosOf(rates, 'fastify refresh')),
  ),
  atLeast('refresh ÷ pgbench with 8 clients', 0.4, ratio('pgbench refresh')),
  atLeast(
    'refresh ÷ pgbench with 8 clients, WORKERS=2',
    0.5,
    median(ratiosOf(rates, 'pgbench refresh', WITH_WORKERS)),
  ),
  atLeast('refresh ÷ Express, by hand', 2, ratio('express refresh')),
  atLeast('refresh ÷ oidc-provider on PostgreSQL', 5, ratio('oidc-provider refresh')),
  atLeast('login by user id ÷ refresh', 0.8, median(loginsByRefresh)),
  ...(HAS_COMPILED_ARGON2
    ? [atLeast('password login ÷ the same with the prebuilt argon2', 1.5, ratio(`${WITH_PREBUILT} password`))]
    : []),
  atMost(`p99 ÷ p50 with ${CLIENTS} clients`, 2.5, tail),
  atMost(`memory after ${options.refreshes} refreshes, MB`, 160, memory.now / MEGABYTE),
  atMost('ready after, ms', 400, ready),
  atMost(`accepted twice, of ${TRIES}`, 0, twice.get('kinship') ?? TRIES),
  atMost(
    `Welch’s t of wrong passwords for a known and for unknown users, ${GUESSES} each`,
    4.5,
    Math.abs(timing.t),
  ),
];
say(goalsTable(goals));
say(`\naccepted twice, of ${TRIES}: ${JSON.stringify(Object.fromEntries(twice))}`);
say(
  `\na wrong password: ${timing.known.toFixed(2)} ms for a known user, ${timing.unknown.toFixed(2)} for an unknown one`,
);
say(`the most memory that the service held: ${Math.round(memory.most / MEGABYTE)} MB`);
process.exit(0);

/**
 * `npm run bench:soak`: sends mixed traffic for a long time, at half of the rate that the machine sustains. Prints the
 * figures of the beginning and of the end, and writes docs/soak.svg. The exit code is 1 if an answer was unexpected, if
 * too many requests were refused, if no session was purged, or if a figure grew beyond its bound. Options: --minutes 60
 * --rate auto (or requests a second).
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { freePort } from '../test/support/ports.ts';
import { openDatabases, statement } from './contestants/databases.ts';
import { startKinship } from './contestants/kinship/server.ts';
import { describeMachine, say } from './report/machine.ts';
import { soakPlot } from './report/plot.ts';
import { compareFifths } from './soak/compare-fifths.ts';
import { createSampler, type Sample } from './soak/samples.ts';
import { openServers } from './soak/servers.ts';
import { openTraffic } from './soak/traffic.ts';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: 'auto' },
  },
});

const CALIBRATION_CLIENTS = 32;
/** More clients than in the calibration, so that each request that is due finds a free client. */
const CLIENTS = 250;
const CALIBRATION_SECONDS = 20;
const SAMPLE_SECONDS = 30;
const MAX_MINUTES = 24 * 60;
const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const PLOT = fileURLToPath(new URL('../docs/soak.svg', import.meta.url));

const minutes = Math.min(Number(options.minutes), MAX_MINUTES);
const rounds = Math.floor((60 * minutes) / SAMPLE_SECONDS);
if (!(rounds >= 6)) throw new Error('--minutes must be a number of at least 3: each fifth needs a sample');

say(describeMachine());
const databases = await openDatabases();
const databaseUrl = await databases.create('soak');
const servers = await openServers(say);
const metricsPort = await freePort();
const env = { ...servers.env, METRICS_PORT: String(metricsPort) };
const service = await startKinship(databaseUrl, { env });
const perSecond = options.rate === 'auto' ? (await calibrate()) / 2 : Number(options.rate);
if (!(perSecond > 0)) throw new Error('--rate must be auto or a number of requests a second');
const traffic = await openTraffic(service.target, CLIENTS);
say(`${perSecond.toFixed(0)} requests a second for ${minutes} minutes`);

const metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
const sample = createSampler({ pid: service.pid, databaseUrl, metricsUrl });
const stopping = new AbortController();
const sending = traffic.runOpen(perSecond, stopping.signal);
const samples: Sample[] = [];
let purged = 0;
for (let round = 1; round <= rounds; round += 1) {
  await Promise.all([sleep(1_000 * SAMPLE_SECONDS), purgeEnded()]);
  const taken = { ...(await sample(traffic.takeWindow())), ...servers.takeCounts() };
  samples.push(taken);
  say(summary(taken));
}
stopping.abort();
await sending;
traffic.close();
await service.stop();
await servers.close();
await databases.remove();

const { table, faults } = compareFifths(samples);
writeFileSync(PLOT, soakPlot(samples));
say(`\n${table}\n\n${purged} ended sessions were purged`);
if (purged === 0) faults.push('no session was purged');
for (const fault of faults) say(`FAULT ${fault}`);
process.exit(faults.length === 0 ? 0 : 1);

async function calibrate(): Promise<number> {
  const closedLoop = await openTraffic(service.target, CALIBRATION_CLIENTS);
  const rate = await closedLoop.runClosed(CALIBRATION_SECONDS);
  closedLoop.close();
  say(`a closed loop of ${CALIBRATION_CLIENTS} clients: ${rate.toFixed(0)} answers a second`);
  return rate;
}

/**
 * Purges the sessions that ended more than a minute ago. The shortest retention time is more than an hour. So the
 * statement first moves the end of these sessions into the past.
 */
async function purgeEnded(): Promise<void> {
  await statement(
    databaseUrl,
    `update token_families set revoked_at = revoked_at - interval '200 days'
     where revoked_at between now() - interval '100 days' and now() - interval '1 minute'`,
  );
  const purgeEnv = { ...process.env, DATABASE_URL: databaseUrl };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, 'purge'], { env: purgeEnv });
  purged += Number.parseInt(stdout, 10);
}

function summary(taken: Sample): string {
  const names = ['minutes', 'memory, MB', 'open descriptors', 'waiting outbox rows', 'refresh: p99, ms'];
  const figures = [...names, 'shed', 'unexpected'].map((name) => `${name} ${taken[name]?.toFixed(1)}`);
  return figures.join('; ');
}

/**
 * `npm run bench:signing`: measures a refresh under each algorithm of access tokens, in one process without network and
 * database.
 */
import { availableParallelism, cpus } from 'node:os';
import { KEY_ALGORITHMS } from '../src/domain/key-set.ts';
import { someKeySet } from '../test/support/key-set.ts';
import { sessionUseCases } from '../test/support/sessions.ts';

const ROUNDS = 9;
const ROUND_MS = 1_000;
const CLIENTS = 8;
const CHECKS = 1_000;

type Service = Awaited<ReturnType<typeof sessionUseCases>>;

async function countRefreshes(service: Service): Promise<number> {
  const end = performance.now() + ROUND_MS;
  let count = 0;
  const client = async () => {
    let pair = await service.logIn();
    while (performance.now() < end) {
      pair = await service.refresh(pair);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return count;
}

async function countChecks(service: Service): Promise<number> {
  const { access } = await service.logIn();
  for (let i = 0; i < CHECKS; i += 1) await service.codec.verifyAccess(access, service.time.now, 0);
  return CHECKS;
}

/** Operations per second, and the CPU time of one operation in microseconds. */
async function measure(work: Promise<number>) {
  const [before, started] = [process.cpuUsage(), performance.now()];
  const count = await work;
  const { user, system } = process.cpuUsage(before);
  return { perSecond: (1_000 * count) / (performance.now() - started), cpu: (user + system) / count };
}

async function prepareContestant(alg: string, service: Service) {
  const best = { perSecond: 0, refresh: Number.MAX_VALUE, check: Number.MAX_VALUE };
  return { alg, service, best, bytes: (await service.logIn()).access.length };
}

const all = [await prepareContestant('HS512', await sessionUseCases())];
for (const alg of KEY_ALGORITHMS)
  all.push(await prepareContestant(alg, await sessionUseCases(await someKeySet(alg))));

// The algorithms take turns, so that other load affects all of them equally. The best round counts.
for (let round = 0; round < ROUNDS; round += 1) {
  for (const { service, best } of all) {
    const refresh = await measure(countRefreshes(service));
    const check = await measure(countChecks(service));
    best.perSecond = Math.max(best.perSecond, refresh.perSecond);
    best.refresh = Math.min(best.refresh, refresh.cpu);
    best.check = Math.min(best.check, check.cpu);
  }
}

console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model}`);
const rows = all.map(({ alg, best, bytes }) => [
  alg,
  {
    'refreshes/s': Math.round(best.perSecond),
    'CPU per refresh, µs': Math.round(best.refresh),
    'CPU per check, µs': Math.round(best.check),
    'access token, bytes': bytes,
  },
]);
console.table(Object.fromEntries(rows));

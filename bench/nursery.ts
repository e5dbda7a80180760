/**
 * `npm run bench:nursery`: measures the CPU time of a refresh, and the memory afterwards, for several sizes of V8's
 * semi-spaces in MB, and for several growths of its heap in percent (0: V8 decides).
 * Options: --sizes 4,8,16,32 --growths 100 --rounds 5 --seconds 4.
 */
import { parseArgs } from 'node:util';
import { openDatabases } from './contestants/databases.ts';
import { startKinship } from './contestants/kinship/server.ts';
import { type Round, runJob } from './load/run.ts';
import { memoryOf } from './measure/processes.ts';
import { median } from './measure/statistics.ts';
import { describeMachine, say } from './report/machine.ts';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '4,8,16,32' },
    growths: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
  },
});

const CLIENT = new URL('contestants/kinship/client.ts', import.meta.url).href;
const LOAD = { client: CLIENT, scenario: 'refresh', clients: 32, warmUpSeconds: 1 };

const databases = await openDatabases();
say(describeMachine());
const measured = [];
for (const semiSpace of options.sizes.split(',').map(Number))
  for (const growth of options.growths.split(',').map(Number)) {
    const url = await databases.create(`nursery_${semiSpace}_${growth}`);
    const service = await startKinship(url, { semiSpace, growth });
    measured.push({ semiSpace, growth, service, rounds: [] as Round[] });
  }
for (let round = 0; round < Number(options.rounds); round += 1) {
  for (const { service, rounds } of measured) {
    const job = { ...LOAD, target: service.target, seconds: Number(options.seconds) };
    rounds.push(await runJob(job, { service: service.pid }));
  }
}

say('\n| semi-space, MB | growth, % | CPU of a refresh, µs | a second | p99, ms | memory, MB |');
say('| ---: | ---: | ---: | ---: | ---: | ---: |');
for (const { semiSpace, growth, service, rounds } of measured) {
  const medianOf = (figure: (round: Round) => number) => Math.round(median(rounds.map(figure)) * 10) / 10;
  const memory = Math.round(memoryOf(service.pid).now / 1e6);
  const cpu = medianOf((round) => round.cpu.service ?? Number.NaN);
  const [perSecond, p99] = [medianOf((round) => round.perSecond), medianOf((round) => round.p99)];
  say(`| ${semiSpace} | ${growth} | ${cpu} | ${perSecond} | ${p99} | ${memory} |`);
  await service.stop();
}
await databases.remove();

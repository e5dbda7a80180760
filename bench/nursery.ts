/**
 * `npm run bench:nursery`: measures the CPU time of a refresh, and the memory afterwards, for several sizes of V8's
 * semi-spaces in MB.
 * Options: --sizes 4,8,16,32 --rounds 5 --seconds 4.
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
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
  },
});

const CLIENT = new URL('contestants/kinship/client.ts', import.meta.url).href;
const LOAD = { client: CLIENT, scenario: 'refresh', clients: 32, warmUpSeconds: 1 };

const databases = await openDatabases();
say(describeMachine());
const measured = [];
for (const size of options.sizes.split(',').map(Number)) {
  const service = await startKinship(await databases.create(`nursery_${size}`), { semiSpace: size });
  measured.push({ size, service, rounds: [] as Round[] });
}
for (let round = 0; round < Number(options.rounds); round += 1) {
  for (const { service, rounds } of measured) {
    const job = { ...LOAD, target: service.target, seconds: Number(options.seconds) };
    rounds.push(await runJob(job, { service: service.pid }));
  }
}

say('\n| semi-space, MB | CPU of a refresh, µs | a second | p99, ms | memory, MB |');
say('| ---: | ---: | ---: | ---: | ---: |');
for (const { size, service, rounds } of measured) {
  const of = (figure: (round: Round) => number) => Math.round(median(rounds.map(figure)) * 10) / 10;
  const memory = Math.round(memoryOf(service.pid).now / 1e6);
  const cpu = of((round) => round.cpu.service ?? Number.NaN);
  say(`| ${size} | ${cpu} | ${of(({ perSecond }) => perSecond)} | ${of(({ p99 }) => p99)} | ${memory} |`);
  await service.stop();
}
await databases.remove();

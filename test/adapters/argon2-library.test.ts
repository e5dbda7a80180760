import t from 'tap';
import { isX8664V3 } from '../../src/adapters/argon2/library.ts';

const HASWELL =
  'fpu tsc cx16 sse4_1 sse4_2 movbe popcnt xsave avx f16c rdrand abm bmi1 avx2 bmi2 erms fma smep';

function cpuinfo(flags: string): string {
  return `processor\t: 0\nmodel name\t: a processor\nflags\t\t: ${flags}\nbugs\t\t: none\n\nprocessor\t: 1\n`;
}

t.test('a processor with every feature of x86-64-v3 is recognized', async (t) => {
  t.ok(isX8664V3(cpuinfo(HASWELL)));
});

t.test('a processor that lacks one of these features is not recognized', async (t) => {
  for (const missing of ['abm', 'avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe', 'xsave']) {
    const flags = HASWELL.split(' ').filter((flag) => flag !== missing);
    t.notOk(isX8664V3(cpuinfo(flags.join(' '))), missing);
  }
  t.notOk(isX8664V3('processor\t: 0\nFeatures\t: fp asimd aes\n'), 'another architecture');
});

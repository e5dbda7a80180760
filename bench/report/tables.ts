import type { Round } from '../load/run.ts';
import { median } from '../measure/statistics.ts';
import type { Rates } from '../rates.ts';

const HEAD = [
  '',
  'a second',
  'p50, ms',
  'p99, ms',
  'CPU of the service, µs',
  'of the database, µs',
  'of the generator, µs',
];

/** Formats the medians of each contestant's rounds as a Markdown table. */
export function ratesTable(rates: Rates): string {
  const rows = [...rates].map(([name, rounds]) => {
    const of = (figure: (round: Round) => number | undefined, digits = 0) => format(rounds, figure, digits);
    return [
      name,
      of(({ perSecond }) => perSecond),
      of(({ p50 }) => p50, 1),
      of(({ p99 }) => p99, 1),
      of(({ cpu }) => cpu.service),
      of(({ cpu }) => cpu.database),
      of(({ ownCpu }) => ownCpu),
    ];
  });
  return table([HEAD, ...rows]);
}

/** Formats the rate of Kinship divided by the rate of each other contestant, for each round and as median. */
export function ratiosTable(rates: Rates): string {
  const rows = [...rates.keys()]
    .filter((name) => !name.startsWith('kinship'))
    .map((name) => {
      const ratios = ratiosOf(rates, name);
      return [name, ...ratios.map((ratio) => ratio.toFixed(2)), `**${median(ratios).toFixed(2)}**`];
    });
  const rounds = Math.max(...rows.map((row) => row.length)) - 2;
  const numbers = Array.from({ length: rounds }, (_, round) => `round ${round + 1}`);
  return table([['kinship ÷', ...numbers, 'median'], ...rows]);
}

/** For each round, the rate of the contestant `dividend` divided by the rate of the named one, at the same work. */
export function ratiosOf(rates: Rates, name: string, dividend = 'kinship'): number[] {
  const [, work] = name.split(' ');
  const ours = rates.get(`${dividend} ${work}`) ?? [];
  return (rates.get(name) ?? []).map((theirs, round) => (ours[round]?.perSecond ?? 0) / theirs.perSecond);
}

/** For each round, the CPU time of one answer of Kinship divided by that of the named contestant. */
export function cpuRatiosOf(rates: Rates, name: string): number[] {
  const [, work] = name.split(' ');
  const ours = rates.get(`kinship ${work}`) ?? [];
  return (rates.get(name) ?? []).map(
    ({ cpu }, round) => (ours[round]?.cpu.service ?? Number.NaN) / (cpu.service ?? Number.NaN),
  );
}

function format(
  rounds: readonly Round[],
  figure: (round: Round) => number | undefined,
  digits: number,
): string {
  const middle = median(rounds.map((round) => figure(round) ?? Number.NaN));
  return Number.isNaN(middle) ? '' : middle.toFixed(digits);
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

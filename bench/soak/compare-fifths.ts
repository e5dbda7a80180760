import { median } from '../measure/statistics.ts';
import type { Sample } from './samples.ts';

/** The figure of the last fifth may be at most `times` the figure of the second fifth, plus `plus`. */
interface Bound {
  readonly times: number;
  readonly plus: number;
}

/** The first fifth is not compared: caches and the heap of V8 still fill. */
const BOUNDS: Readonly<Record<string, Bound>> = {
  'memory, MB': { times: 1.2, plus: 0 },
  'heap, MB': { times: 1.3, plus: 10 },
  'open descriptors': { times: 1, plus: 10 },
  'database connections': { times: 1, plus: 2 },
  'waiting outbox rows': { times: 1.2, plus: 100 },
  'dead-lettered outbox rows': { times: 1, plus: 0 },
  'token_families: table, kB': { times: 1.5, plus: 1_000 },
  'token_families: indexes, kB': { times: 1.5, plus: 1_000 },
  'outbox: table, kB': { times: 1.5, plus: 1_000 },
  'outbox: indexes, kB': { times: 1.5, plus: 1_000 },
  // Events are kept for days, so the table may grow with its rows, but not faster.
  'security_events: bytes for a row': { times: 1.2, plus: 0 },
};

/**
 * This figure rises until the next garbage collection. So the lowest value of a fifth counts: it is closest to what the
 * service holds.
 */
const LOWEST_OF = 'heap, MB';

/** Other programs can stop a shared machine for a moment. More refusals than this share of the answers are a fault. */
const MOST_SHED = 0.001;

interface Comparison {
  readonly table: string;
  /** The figures that left their bounds. */
  readonly faults: string[];
}

/** Leaves out the first tenth as warm-up, and compares the fifths of the remaining time. */
export function compareFifths(samples: readonly Sample[]): Comparison {
  const steady = samples.slice(Math.ceil(samples.length / 10));
  const [first, second, last] = [fifth(steady, 0), fifth(steady, 1), fifth(steady, 4)];
  const faults: string[] = [];
  const rows = Object.keys(samples[0] ?? {}).map((name) => {
    const [a, b, c] = [first, second, last].map((some) => summarize(name, some));
    const most = limitOf(name, b!);
    const isHeld = most === undefined || !(c! > most);
    if (!isHeld) faults.push(`${name}: ${format(c!)}, and at most ${format(most)} was expected`);
    return [
      name === LOWEST_OF ? `lowest ${name}` : name,
      format(a!),
      format(b!),
      format(c!),
      most === undefined ? '' : `≤ ${format(most)}`,
    ];
  });
  const total = (name: string) => samples.reduce((sum, sample) => sum + sample[name]!, 0);
  if (total('unexpected') > 0) faults.push(`${total('unexpected')} answers were unexpected`);
  const mostShed = total('answers') * MOST_SHED;
  if (total('shed') > mostShed) faults.push(`${total('shed')} requests were refused with 503`);
  const head = [
    ['medians of', 'first fifth', 'second fifth', 'last fifth', 'bound of the last'],
    ['---', '---:', '---:', '---:', '---:'],
  ];
  const table = [...head, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return { table, faults };
}

function summarize(name: string, samples: readonly Sample[]): number {
  const figures = samples.map((sample) => sample[name]!);
  return name === LOWEST_OF ? Math.min(...figures) : median(figures);
}

function fifth(samples: readonly Sample[], number: number): readonly Sample[] {
  const start = Math.floor((samples.length * number) / 5);
  return samples.slice(start, Math.max(start + 1, Math.floor((samples.length * (number + 1)) / 5)));
}

function limitOf(name: string, base: number): number | undefined {
  const bound = BOUNDS[name];
  return bound && base * bound.times + bound.plus;
}

function format(figure: number): string {
  if (Number.isNaN(figure)) return '';
  return Math.abs(figure) >= 100 ? figure.toFixed(0) : figure.toFixed(1);
}

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cpuSeconds } from '../measure/processes.ts';
import type { Job, LoadResult } from './job.ts';

const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url));

/** The result of a round: the result of the generator, and the CPU time of each watched process. */
export interface Round extends LoadResult {
  /** Microseconds of CPU for each answer, by the watched process's name. */
  readonly cpu: Readonly<Record<string, number>>;
}

/** The number of consecutive failed turns that are repeated. The next failure ends the run. */
const MAX_FAILED_TURNS = 5;

/**
 * Runs a job in the generator, and measures the CPU time of the watched processes (name and pid) meanwhile. A turn
 * fails if its generator ends early or gets no answer. A failed turn is reported, and repeated.
 */
export function runJob(job: Job, watched: Readonly<Record<string, number>>): Promise<Round> {
  return repeatFailed(`${job.client} ${job.scenario}`, () => runOnce(job, watched));
}

/** Runs a turn until it succeeds. A turn without a single answer has failed: it is no rate of zero. */
export async function repeatFailed<Turn extends { readonly count: number }>(
  name: string,
  run: () => Promise<Turn>,
): Promise<Turn> {
  for (let failed = 0; ; failed += 1) {
    try {
      const turn = await run();
      if (turn.count > 0) return turn;
      throw new Error('there was no answer');
    } catch (error) {
      if (failed === MAX_FAILED_TURNS) throw error;
      process.stderr.write(`${name}: a failed turn is repeated: ${error}\n`);
    }
  }
}

async function runOnce(job: Job, watched: Readonly<Record<string, number>>): Promise<Round> {
  const generator = spawn(process.execPath, ['--import', 'tsx', GENERATOR], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  generator.stdin.end(JSON.stringify(job));
  let before = readCpuSeconds(watched);
  for await (const line of createInterface({ input: generator.stdout })) {
    if (line === 'measuring') before = readCpuSeconds(watched);
    else {
      const seen = JSON.parse(line) as LoadResult;
      const after = readCpuSeconds(watched);
      const each = Object.keys(watched).map((name) => [
        name,
        (1e6 * ((after[name] ?? 0) - (before[name] ?? 0))) / seen.count,
      ]);
      return { ...seen, cpu: Object.fromEntries(each) };
    }
  }
  throw new Error(`the load generator ended early: ${job.client} ${job.scenario}`);
}

function readCpuSeconds(watched: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(watched).map(([name, pid]) => [name, cpuSeconds(pid)]));
}

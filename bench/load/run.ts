import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cpuSeconds } from '../measure/processes.ts';
import type { Job, Seen } from './job.ts';

const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url));

/** The result of a round: that of the generator, and the CPU time of each watched process. */
export interface Round extends Seen {
  /** Microseconds of CPU for each answer, by the watched process's name. */
  readonly cpu: Readonly<Record<string, number>>;
}

/**
 * Runs a job in the generator, and measures the CPU time of the watched processes (name and pid) meanwhile.
 */
export async function runJob(job: Job, watched: Readonly<Record<string, number>>): Promise<Round> {
  const generator = spawn(process.execPath, ['--import', 'tsx', GENERATOR], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  generator.stdin.end(JSON.stringify(job));
  let before = spent(watched);
  for await (const line of createInterface({ input: generator.stdout })) {
    if (line === 'measuring') before = spent(watched);
    else {
      const seen = JSON.parse(line) as Seen;
      const after = spent(watched);
      const each = Object.keys(watched).map((name) => [
        name,
        (1e6 * ((after[name] ?? 0) - (before[name] ?? 0))) / seen.count,
      ]);
      return { ...seen, cpu: Object.fromEntries(each) };
    }
  }
  throw new Error(`the load generator ended early: ${job.client} ${job.scenario}`);
}

function spent(watched: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(watched).map(([name, pid]) => [name, cpuSeconds(pid)]));
}

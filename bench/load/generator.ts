/**
 * The load generator, which runs as a separate process. It reads a job from standard input, and writes the
 * line `measuring` after the warm-up. At the end it writes its result as a line of JSON. A 503 is counted, and its
 * request is repeated after a pause. Any other unexpected answer ends the generator.
 */
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../measure/statistics.ts';
import { type Connection, openConnection } from './connection.ts';
import type { Job, LoadResult } from './job.ts';
import type { Scenario, Scenarios } from './scenario.ts';

/** Milliseconds from a 503 to the repetition of its request. */
const SHED_PAUSE = 100;

const job = JSON.parse(await text(process.stdin)) as Job;
const { scenarios } = (await import(job.client)) as { scenarios: Scenarios };
const scenario = scenarios[job.scenario];
if (scenario === undefined) throw new Error(`${job.client} has no scenario ${job.scenario}`);
process.stdout.write(`${JSON.stringify(await load(job, scenario))}\n`);
process.exit(0);

interface Client<State> {
  readonly number: number;
  readonly connection: Connection;
  readonly state: State;
}

async function load<State>(job: Job, scenario: Scenario<State>): Promise<LoadResult> {
  const clients = await Promise.all(
    Array.from({ length: job.clients }, async (_, number) => ({
      number,
      connection: await openConnection(job.target.url),
      state: await scenario.begin(job.target, number),
    })),
  );
  const warm = performance.now() + 1_000 * job.warmUpSeconds;
  const end = warm + 1_000 * job.seconds;
  const times: number[] = [];
  let shed = 0;

  const work = async ({ number, connection, state }: Client<State>) => {
    let held = state;
    for (let sent = performance.now(); sent < end; ) {
      const answer = await connection.ask(scenario.ask(held));
      if (answer.status === 503) {
        shed += 1;
        await sleep(SHED_PAUSE);
        sent = performance.now();
        continue;
      }
      held = scenario.take(answer, held);
      const answered = performance.now();
      if (sent >= warm && answered <= end) times.push(answered - sent);
      sent = answered;
    }
    connection.close();
    scenario.leave?.(job.target, number, held);
  };
  const allWork = Promise.all(clients.map(work));
  await Promise.race([allWork, new Promise((resolve) => setTimeout(resolve, 1_000 * job.warmUpSeconds))]);
  process.stdout.write('measuring\n');
  const before = process.cpuUsage();
  await allWork;
  const { user, system } = process.cpuUsage(before);

  times.sort((a, b) => a - b);
  return {
    count: times.length,
    shed,
    perSecond: times.length / job.seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    ownCpu: (user + system) / times.length,
  };
}

import { startKinship } from './contestants/kinship/server.ts';
import { runJob } from './load/run.ts';
import { memoryOf } from './measure/processes.ts';

const CLIENT = new URL('contestants/kinship/client.ts', import.meta.url).href;
const SLICE = 10;

/** Resident memory, in bytes, of a service after at least this many refreshes and no other work. */
export async function measureMemoryAfter(databaseUrl: string, refreshes: number) {
  const { pid, target, stop } = await startKinship(databaseUrl);
  const job = { client: CLIENT, scenario: 'refresh', target, clients: 32, warmUpSeconds: 0, seconds: SLICE };
  for (let done = 0; done < refreshes; ) done += (await runJob(job, {})).count;
  const memory = memoryOf(pid);
  await stop();
  return memory;
}

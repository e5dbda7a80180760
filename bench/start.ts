import { startKinship } from './contestants/kinship/server.ts';
import { median } from './measure/statistics.ts';

/**
 * The median milliseconds from the start of the process until it accepts requests, on a migrated database.
 */
export async function measureColdStart(databaseUrl: string, starts: number): Promise<number> {
  const times: number[] = [];
  for (let start = 0; start < starts; start += 1) {
    const service = await startKinship(databaseUrl);
    times.push(service.readyAfter);
    await service.stop();
  }
  return median(times);
}

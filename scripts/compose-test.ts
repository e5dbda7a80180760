/**
 * Runs both compose files for real, on whatever Docker it finds, from a copy of the project:
 *
 *   npm run test:compose            both
 *   npm run test:compose -- dev     one of them
 *
 * Needs Docker with Compose v2 and the ports 3000, 5432, 5672, 8025, 9090 and 15672 on loopback.
 */
import { rmSync } from 'node:fs';
import { dev } from './compose/dev.ts';
import { copyOfProject } from './compose/docker.ts';
import { prod } from './compose/prod.ts';

const suites: Record<string, (folder: string) => Promise<void>> = { dev, prod };
const chosen = process.argv.slice(2);
for (const [name, suite] of Object.entries(suites)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const folder = copyOfProject();
  try {
    await suite(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

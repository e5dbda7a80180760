/**
 * Runs both compose files, and an upgrade, on the local Docker. Each runs in a fresh copy of the project with a `.env`.
 *
 *   npm run test:compose            all: dev, prod, upgrade
 *   npm run test:compose -- dev     one of them
 *
 * UPGRADE_FROM: the commit from which to upgrade, instead of the one before the newest migration.
 *
 * Needs Docker with Compose 2.24 or later, and the ports 8088, 18025, 18091, 19090 and 25672 on loopback.
 */
import { rmSync } from 'node:fs';
import { dev } from './compose/dev.ts';
import { copyOfProject } from './compose/docker.ts';
import { prod } from './compose/prod.ts';
import { upgrade } from './compose/upgrade.ts';

const suites: Record<string, (folder: string) => Promise<void>> = { dev, prod, upgrade };
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in suites));
if (unknown.length > 0) throw new Error(`There is no suite ${unknown.join(', ')}.`);
for (const [name, suite] of Object.entries(suites)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const folder = copyOfProject();
  try {
    await suite(folder);
    console.log(`${name}: passed`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

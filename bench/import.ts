/** `npm run bench:import`: measures the import of many accounts, and a second import of the same file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openDatabases } from './contestants/databases.ts';
import { describeMachine, say } from './report/machine.ts';

const { values: options } = parseArgs({ options: { users: { type: 'string', default: '100000' } } });

/** A password hash of Django. The import verifies only one hash of each kind, to measure its cost. */
const HASH = 'pbkdf2_sha256$600000$saltsaltsalt$0GxOYlvDX5F4a0mXyqeU3GgLXHyzrDPXM9ynPBp8hGM=';

const line = (number: number) =>
  JSON.stringify({
    ...{ username: `user${number}`, email: `user${number}@example.com`, emailVerified: number % 2 === 0 },
    ...{ passwordHash: HASH, createdAt: '2024-01-02T03:04:05Z' },
    ...(number % 10 === 0 && { claims: { plan: 'paid' } }),
  });

say(describeMachine());
const databases = await openDatabases();
const folder = mkdtempSync(join(tmpdir(), 'kinship-import-'));
const file = join(folder, 'users.ndjson');
writeFileSync(
  file,
  Array.from({ length: Number(options.users) }, (_, number) => `${line(number)}\n`).join(''),
);
const env = { ...process.env, DATABASE_URL: await databases.create('import'), DATA_DIR: folder };
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
for (const run of ['first', 'second']) {
  const started = performance.now();
  const summary = execFileSync(process.execPath, [program, 'users', 'import', file], {
    env,
    encoding: 'utf8',
  });
  say(`${run} import: ${((performance.now() - started) / 1_000).toFixed(1)} s: ${summary.trim()}`);
}
await databases.remove();
rmSync(folder, { recursive: true });

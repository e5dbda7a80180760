import { execFile, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { Environment, SECRETS } from '../../src/config/schema.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startService } from '../support/process.ts';
import { dataDir } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';
import { writeSecrets } from '../support/write-secrets.ts';

const UNIT = 'deploy/systemd/kinship.service';

/** Reads the unit. Returns a function that returns the values of a key, in order. */
async function readSettings(): Promise<(key: string) => readonly string[]> {
  const lines = (await readFile(UNIT, 'utf8')).split('\n');
  return (key) =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
}

/** The environment that the unit sets, with its folders under `folder`. */
async function environment(folder: string): Promise<Record<string, string>> {
  const entries = (await readSettings())('Environment').map((line) => line.split(/=(.*)/).slice(0, 2));
  return Object.fromEntries(
    entries.map(([name = '', value = '']) => [
      name,
      value.replace('%d', join(folder, 'secrets')).replace('%S', folder),
    ]),
  );
}

function requireSystemd(t: Pick<Test, 'plan'>): boolean {
  const isThere = spawnSync('systemd-analyze', ['--version']).status === 0;
  if (!isThere) skipFor(t, 'systemd-analyze');
  return isThere;
}

/** The unit, with the node that runs this test. */
async function localUnit(t: Test): Promise<string> {
  const file = join(await dataDir(t), 'kinship.service');
  await writeFile(file, (await readFile(UNIT, 'utf8')).replace('/usr/bin/node', process.execPath));
  return file;
}

const analyze = async (...args: string[]) => {
  const { stdout, stderr } = await promisify(execFile)('systemd-analyze', args);
  return stdout + stderr;
};

t.test('systemd accepts the unit without a warning', async (t) => {
  if (!requireSystemd(t)) return;
  const unit = await localUnit(t);
  t.equal(await analyze('verify', '--man=no', unit), '');
  await writeFile(unit, (await readFile(unit, 'utf8')).replace('ProtectClock', 'ProtectClok'));
  t.match(await analyze('verify', '--man=no', unit), /ProtectClok/, 'the check finds a fault');
});

t.test('systemd-analyze security rates the unit as OK', async (t) => {
  if (!requireSystemd(t)) return;
  const report = await analyze('security', '--offline=true', '--no-pager', await localUnit(t));
  const [, exposure] = /Overall exposure level[^:]*: ([\d.]+) OK/.exec(report) ?? [];
  t.ok(exposure, report.split('\n').slice(-3).join('\n'));
  t.comment(`exposure ${exposure}`);
});

t.test('the unit names variables and credentials that exist', async (t) => {
  const valuesOf = await readSettings();
  const loaded = valuesOf('LoadCredential').map((line) => line.split(':')[0]);
  const known = [...Object.keys(Environment.properties), ...SECRETS.map((name) => `${name}_FILE`)];
  const set = Object.entries(await environment('/folder'));
  for (const [name] of set) t.ok(known.includes(name), name);
  const used = set.flatMap(([, value]) => /^\/folder\/secrets\/(\w+)$/.exec(value)?.[1] ?? []);
  t.same(used, loaded);
});

t.test('the unit starts the same command as npm start, and waits for its end', async (t) => {
  const valuesOf = await readSettings();
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
  const [command] = valuesOf('ExecStart');
  // The npm script first checks that dist/main.js exists.
  t.equal(
    command?.replace('/usr/bin/', 'exec ').replace('dist/main.js', 'scripts/kinship.mjs'),
    scripts.start,
  );
  const source = await readFile('src/main/serve.ts', 'utf8');
  const deadline = Number(/SHUTDOWN_DEADLINE = ([\d_]+)/.exec(source)?.[1]?.replace('_', ''));
  t.ok(deadline > 0 && Number(valuesOf('TimeoutStopSec')[0]) * 1_000 > deadline);
});

t.test('the service starts in production with the environment of the unit', async (t) => {
  if (!(await requirePostgres(t))) return;
  const folder = await dataDir(t);
  const env = await environment(folder);
  await writeSecrets(join(folder, 'secrets'), await testDatabase(t));
  const own = { PUBLIC_URL: 'https://auth.example.com', MAIL: 'off', API_PORT: '0' };
  const service = await startService(t, { env: { ...env, ...own } });
  t.equal((await fetch(`${service.url}/health/ready`)).status, 200);
  t.equal(await service.stop(), 0);
});

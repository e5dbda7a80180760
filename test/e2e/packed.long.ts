import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import t from 'tap';
import { dataDir } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';

const run = promisify(execFile);
const SOURCES = [
  'src',
  'client',
  'console',
  'packages',
  'scripts',
  'migrations',
  'tsconfig.json',
  'package.json',
  'README.md',
];
const MORE = ['LICENSE', 'CHANGELOG.md'];

let tarball = '';

/** A copy is packed, because `npm pack` builds and another test may be using `dist` of the checkout. */
t.before(async () => {
  const copy = t.testdir();
  for (const name of [...SOURCES, ...MORE]) await cp(name, join(copy, name), { recursive: true });
  await symlink(resolve('node_modules'), join(copy, 'node_modules'));
  const { stdout } = await run('npm', ['pack', '--json'], { cwd: copy });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  tarball = join(copy, filename);
});

/** The package as npm unpacks it, with the production dependencies of this checkout. */
async function installPackage(folder: string): Promise<string> {
  const home = join(folder, 'node_modules');
  await mkdir(join(home, '.bin'), { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', home]);
  await run('mv', ['package', 'kinship'], { cwd: home });
  const { dependencies, bin } = JSON.parse(await readFile(join(home, 'kinship', 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    await mkdir(join(home, name, '..'), { recursive: true });
    await symlink(resolve('node_modules', name), join(home, name));
  }
  await run('chmod', ['+x', join(home, 'kinship', bin.kinship)]);
  await symlink(join('..', 'kinship', bin.kinship), join(home, '.bin', 'kinship'));
  return folder;
}

t.test('the packed service runs with its production dependencies alone', async (t) => {
  const cwd = await installPackage(await dataDir(t));
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, API_PORT: '0' };
  t.match((await run('npx', ['--no-install', 'kinship', '--help'], { cwd, env })).stdout, /^Usage: kinship/);
  const demo = run('npx', ['--no-install', 'kinship', 'demo', '--url', 'http://127.0.0.1:1'], { cwd, env });
  await t.rejects(demo, /start it with npx kinship serve, /, 'kinship is not on the PATH');

  const service = spawn(join(cwd, 'node_modules/.bin/kinship'), ['serve'], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => service.kill('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: service.stdout }).on('line', (line) => {
      const { msg, url } = JSON.parse(line);
      if (msg === 'ready') resolve(url);
    });
    service.once('exit', (code) => reject(new Error(`the service ended with exit code ${code}`)));
  });
  const login = await fetch(`${url}/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11`, {
    method: 'POST',
  });
  t.equal(login.status, 200);
  const gone = once(service, 'exit');
  service.kill('SIGTERM');
  t.same(await gone, [0, null]);
});

t.test('npx runs the packed file, with dependencies from the registry', async (t) => {
  const isReachable = await run('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=10000']).then(
    () => true,
    () => false,
  );
  if (!isReachable) return skipFor(t, 'the npm registry');
  const cwd = await dataDir(t);
  await cp(tarball, join(cwd, 'kinship.tgz'));
  const { stdout } = await run('npx', ['--yes', '--prefer-offline', './kinship.tgz', '--help'], { cwd });
  t.match(stdout, /^Usage: kinship/);
});

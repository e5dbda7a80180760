import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { commandLine, type Invocation } from '../../src/lib/command-line.ts';

const BUNDLE = '/srv/kinship/dist/main.js';

function lineOf(words: string, invocation: Partial<Invocation>): string {
  return commandLine(words, { program: BUNDLE, cwd: '/srv/kinship', env: {}, ...invocation });
}

t.test('a script of npm names the scripts of npm', async (t) => {
  const env = { npm_package_name: 'kinship', npm_lifecycle_event: 'start' };
  t.equal(lineOf('demo', { env }), 'npm run demo');
  t.equal(lineOf('keys rotate --now', { env }), 'npm run keys -- rotate --now');
  t.equal(lineOf('serve', { env }), 'npm start');
});

t.test('KINSHIP_COMMAND names the command, as in the compose files', async (t) => {
  const env = { KINSHIP_COMMAND: 'docker compose exec app', npm_package_name: 'kinship' };
  t.equal(lineOf('keys rotate', { env }), 'docker compose exec app keys rotate');
});

t.test('the sources name the scripts of npm, because they run in a checkout', async (t) => {
  t.equal(lineOf('doctor', { program: '/srv/kinship/src/main.ts' }), 'npm run doctor');
});

t.test('the bundle without an installed command is run by node', async (t) => {
  t.equal(lineOf('demo', {}), 'node dist/main.js demo');
  t.equal(lineOf('demo', { cwd: '/' }), 'node srv/kinship/dist/main.js demo');
  t.equal(lineOf('demo', { cwd: '/home/ann' }), 'node /srv/kinship/dist/main.js demo');
  const program = "/srv/ann's files/dist/main.js";
  t.equal(lineOf('demo', { program, cwd: '/home/ann' }), `node '/srv/ann'\\''s files/dist/main.js' demo`);
});

t.test('a command on the PATH is named, but not one that only the child processes of npm see', async (t) => {
  const folder = t.testdir();
  const bin = join(folder, 'bin');
  const own = join(folder, 'node_modules', '.bin');
  for (const place of [bin, own]) {
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'kinship'), '');
  }
  await chmod(join(own, 'kinship'), 0o755);
  const env = { PATH: `${own}:/nowhere:${bin}` };
  t.equal(lineOf('demo', { env }), 'node dist/main.js demo', 'the file on the PATH is not executable');
  await chmod(join(bin, 'kinship'), 0o755);
  t.equal(lineOf('demo', { env }), 'kinship demo');
});

t.test(
  'a package in node_modules is run by npx, from the folder of its project and the folders below',
  async (t) => {
    const program = '/srv/app/node_modules/.bin/kinship';
    const env = { npm_package_name: 'app', npm_lifecycle_event: 'start' };
    t.equal(lineOf('demo', { program, env, cwd: '/srv/app' }), 'npx kinship demo');
    t.equal(lineOf('demo', { program, env, cwd: '/srv/app/data' }), 'npx kinship demo');
    t.equal(
      lineOf('demo', { program, env, cwd: '/srv' }),
      'node app/node_modules/.bin/kinship demo',
      'npx would run another package',
    );
  },
);

t.test('a command line for npx names the package that npx was told to run', async (t) => {
  const home = t.testdir({ 'package.json': '{"_npx":{"packages":["./kinship-0.1.0.tgz"]}}' });
  const program = join(home, 'node_modules', '.bin', 'kinship');
  const env = { npm_package_name: 'app', npm_lifecycle_event: 'npx' };
  t.equal(lineOf('demo', { program, env }), 'npx --yes ./kinship-0.1.0.tgz demo');
});

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import t from 'tap';
import { readConfig } from '../../src/config.ts';

const run = (...args: string[]) =>
  execFileSync(process.execPath, ['--import', 'tsx', 'src/cli/secrets.ts', ...args], { encoding: 'utf8' });

t.test('printed, they are an environment that the service takes', async (t) => {
  const printed = parseEnv(run());
  const config = await readConfig(printed, t.testdir());
  t.match(config.http.serviceKeys, [{ name: 'backend', scopes: ['login', 'admin'] }]);
  t.not(printed.ACCESS_TOKEN_SIGN_KEY, parseEnv(run()).ACCESS_TOKEN_SIGN_KEY);
});

t.test('written, each is a file, and none is written over', async (t) => {
  const folder = join(t.testdir(), 'secrets');
  t.match(run('--write', folder), /^wrote .*access_token_sign_key$/m);
  t.equal(statSync(folder).mode & 0o777, 0o700);
  const read = () =>
    Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  t.equal(statSync(join(folder, 'postgres_password')).mode & 0o777, 0o644);
  const before = read();
  t.equal(Object.keys(before).length, 6);
  t.match(run('--write', folder), /^kept .*postgres_password$/m);
  t.same(read(), before);
  const files = Object.keys(before).map((name) => [`${name.toUpperCase()}_FILE`, join(folder, name)]);
  t.equal((await readConfig(Object.fromEntries(files), folder)).tokens.accessKeys.length, 1);
});

t.test('a folder that others can read is named', async (t) => {
  const folder = t.testdir();
  chmodSync(folder, 0o755);
  // Under a umask that would close the files to the container's user.
  const command = `umask 077; exec "${process.execPath}" --import tsx src/cli/secrets.ts --write "${folder}"`;
  const { stderr, status } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
  t.equal(status, 0);
  t.match(stderr, /can read .*: chmod 700/);
  t.equal(statSync(join(folder, 'service_api_keys')).mode & 0o777, 0o644);
});

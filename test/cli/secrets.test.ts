import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import t, { type Test } from 'tap';
import { readConfig } from '../../src/config.ts';
import { PROGRAM } from '../support/program.ts';

const COMMAND = [...PROGRAM, 'secrets'];

const run = (...args: string[]) =>
  execFileSync(process.execPath, [...COMMAND, ...args], { encoding: 'utf8' });

/** Writes all secrets. Returns their folder. */
function writeSecrets(t: Test): string {
  const folder = join(t.testdir(), 'secrets');
  run('--write', folder);
  return folder;
}

const read = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

t.test('the service accepts the printed secrets as its environment', async (t) => {
  const printed = parseEnv(run());
  const config = await readConfig(printed, t.testdir());
  t.match(config.http.serviceKeys, [
    { name: 'backend', scopes: ['login'] },
    { name: 'operator', scopes: ['admin'] },
    { name: 'resource-server', scopes: ['verify', 'introspect'] },
    { name: 'monitoring', scopes: ['metrics'] },
  ]);
  t.equal(new Set(config.http.serviceKeys.map(({ secret }) => secret)).size, 4);
  t.equal(config.redisUrl ?? config.brokerUrl, null, 'the service uses neither Redis nor a broker');
  t.not(printed.ACCESS_TOKEN_SIGN_KEY, parseEnv(run()).ACCESS_TOKEN_SIGN_KEY);
});

t.test('--write makes one file for each secret, and overwrites none', async (t) => {
  const folder = join(t.testdir(), 'secrets');
  t.match(run('--write', folder), /^wrote .*access_token_sign_key$/m);
  t.equal(statSync(folder).mode & 0o777, 0o700);
  t.equal(statSync(join(folder, 'postgres_password')).mode & 0o777, 0o644);
  const before = read(folder);
  t.equal(Object.keys(before).length, 12);
  t.match(run('--write', folder), /^kept .*postgres_password$/m);
  t.same(read(folder), before);
  const files = Object.keys(before).map((name) => [`${name.toUpperCase()}_FILE`, join(folder, name)]);
  const config = await readConfig(Object.fromEntries(files), folder);
  t.equal(config.tokens.accessKeys.length, 1);
  t.match(config, { redisUrl: before.redis_url, brokerUrl: before.amqp_url });
});

t.test('the service and its servers are given the same passwords', (t) => {
  const folder = writeSecrets(t);
  const { redis_url = '', redis_conf = '', amqp_url = '', rabbitmq_conf = '' } = read(folder);
  const redis = new URL(redis_url);
  t.match(redis.password, /^[\w-]{43}$/);
  t.equal(redis_conf, `requirepass ${redis.password}\n`);
  const broker = new URL(amqp_url);
  t.match(broker.password, /^[\w-]{43}$/);
  t.match(rabbitmq_conf, `default_user = ${broker.username}\ndefault_pass = ${broker.password}\n`);
  t.not(redis.password, broker.password);
  t.end();
});

t.test('if one of two files of the same secret is missing, it is made from the other', (t) => {
  const folder = writeSecrets(t);
  const before = read(folder);
  for (const name of ['redis_url', 'redis_conf', 'amqp_url', 'rabbitmq_conf']) {
    rmSync(join(folder, name));
    t.match(run('--write', folder), `wrote ${join(folder, name)}\n`);
    t.same(read(folder), before, name);
  }
  t.end();
});

t.test('a folder of an earlier version gets the missing files, and its existing files do not change', (t) => {
  const folder = t.testdir({ postgres_password: 'kept', service_api_keys: 'kept' });
  run('--write', folder);
  t.match(read(folder), { postgres_password: 'kept', service_api_keys: 'kept', redis_conf: /^requirepass / });
  t.end();
});

t.test('files that contradict each other are named, and nothing is written', (t) => {
  const faults = {
    'redis_url and .*redis_conf hold different passwords': {
      redis_url: 'redis://:one@redis:6379',
      redis_conf: 'requirepass blueberry\n',
    },
    'amqp_url has no password': { amqp_url: 'amqp://broker.example.com' },
    'rabbitmq_conf has no password': { rabbitmq_conf: 'default_pass = "of, blueberry # kind"\n' },
  };
  for (const [message, files] of Object.entries(faults)) {
    const folder = t.testdir(files);
    const { stderr, status } = spawnSync(process.execPath, [...COMMAND, '--write', folder], {
      encoding: 'utf8',
    });
    t.equal(status, 1);
    t.match(stderr, new RegExp(message));
    t.notMatch(stderr, /:one|blueberry/, 'no password is shown');
    t.same(read(folder), files);
  }
  t.end();
});

t.test('a folder that others can read is named', async (t) => {
  const folder = t.testdir();
  chmodSync(folder, 0o755);
  // The umask would make the files unreadable for the container's user.
  const command = `umask 077; exec "${process.execPath}" ${PROGRAM.join(' ')} secrets --write "${folder}"`;
  const { stderr, status } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
  t.equal(status, 0);
  t.match(stderr, /can read the folder of the secrets: close it with chmod 700\./);
  t.equal(statSync(join(folder, 'service_api_keys')).mode & 0o777, 0o644);
});

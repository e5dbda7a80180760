import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isX8664V3 } from '../../src/adapters/argon2/library.ts';
import { type Compose, withCompose, writeDotEnv } from './docker.ts';
import { say, until } from './progress.ts';
import {
  checkConsole,
  checkTheft,
  ENV,
  type Headers,
  logIn,
  MAIL_PORT,
  type Pair,
  pairOf,
  readServiceKey,
  refresh,
  register,
  send,
  USER,
} from './service.ts';

const MAIL_CATCHER = `
services:
  mailpit:
    image: axllent/mailpit:v1.31.1
    networks: [inside, outside]
    ports: ["127.0.0.1:${MAIL_PORT}:8025"]
`;

/** Values of `.env` for a public service: its address, its mail server, and the issuer of earlier tokens. */
const PUBLIC_SERVICE = {
  ...ENV,
  PUBLIC_URL: 'https://auth.example.com',
  // Newest first: tokens of the first start keep their issuer.
  TOKEN_ISSUER: `https://auth.example.com,http://localhost:${ENV.API_PORT}`,
  SMTP_SERVER: 'mailpit',
  SMTP_FROM: 'auth@example.com',
  SMTP_PORT: '1025',
  CONSOLE: 'on',
  CONSOLE_PORT: '18091',
  PASSWORD_BREACH_FILE: 'files/breached-passwords',
  // The logins under load must not end the session of the test.
  SESSIONS_PER_USER: '1000',
};

const BREACHED_PASSWORD = 'a breached piano 7';

/** As in the health check of compose.prod.yml, the command reads the password from a file. */
const REDIS_KEYS =
  "REDISCLI_AUTH=$(sed -n 's/^requirepass //p' /run/secrets/redis_conf) redis-cli --scan --pattern 'kinship:*'";
/** As in the health check of compose.prod.yml, the command adds the folder of the program to PATH. */
const QUEUES = 'PATH=$PATH:/usr/lib/rabbitmq/bin rabbitmqctl -q list_queues --no-table-headers name messages';

export async function prod(folder: string): Promise<void> {
  const pair = await checkDefaults(folder);
  await checkPublicService(folder, pair);
}

/** Starts with only a port and a token age in `.env`. Keeps the volumes and returns the pair of a session in them. */
async function checkDefaults(folder: string): Promise<Pair> {
  writeDotEnv(folder, ENV);
  return withCompose({ folder, args: ['-f', 'compose.prod.yml'], keepVolumes: true }, async (compose) => {
    const unknown = await send('POST', `/auth/login?userId=${USER}`);
    assert.equal(unknown.status, 401, 'a service key is needed');
    const first = await logIn(readServiceKey(compose));
    const log = compose.read('logs', 'app');
    assert.match(log, /SMTP_SERVER is not set, so no mails are sent/);
    assert.ok(log.includes(`"publicUrl":"http://localhost:${ENV.API_PORT}"`), 'the log names the address');
    assert.match(compose.read('exec', '-T', 'app', 'doctor'), /data folder +ok/);
    assert.match(compose.read('run', '--rm', '--no-deps', 'app', 'secrets'), /^ACCESS_TOKEN_SIGN_KEY=/m);
    say('prod: serves at once, says that no mails are sent, and prints secrets');

    compose.run('down');
    compose.run('up', '--detach', '--wait');
    const pair = pairOf(await refresh(first)); // the generated secrets outlived down and up
    say('prod: data and generated secrets outlive down and up');

    compose.run('cp', 'setup:/secrets', join(folder, 'secrets'));
    compose.run('down');
    await checkTakenPort(compose);
    say('prod: up fails if the port is taken');
    checkConfigurationFaults(folder, compose);
    say('prod: up fails, and names everything that is missing or weak');
    return pair;
  });
}

/** Starts as a public service, on the volumes of the first start and with the secrets in a folder. */
async function checkPublicService(folder: string, pair: Pair): Promise<void> {
  const mailCatcher = join(folder, 'compose.mail.yml');
  writeFileSync(mailCatcher, MAIL_CATCHER);
  writeDotEnv(folder, { ...PUBLIC_SERVICE, SECRETS_DIR: './secrets' });
  const breached = createHash('sha1').update(BREACHED_PASSWORD).digest('hex').toUpperCase();
  writeFileSync(join(folder, PUBLIC_SERVICE.PASSWORD_BREACH_FILE), `${breached}:1\n`);
  const project = { folder, args: ['-f', 'compose.prod.yml', '-f', mailCatcher] };
  await withCompose(project, async (compose) => {
    const next = await refresh(pair);
    assert.equal(next.status, 200, 'the session outlived the move of the secrets');
    say('prod: secrets move from the volume to a folder');
    const headers = readServiceKey(compose);
    await checkTheft(headers);
    say('prod: login, refresh, replay, a mail');

    await checkConsole(PUBLIC_SERVICE.CONSOLE_PORT);
    say('prod: the console has its own port');
    await checkBreachedPassword();
    say('prod: a password in the file of breached passwords is refused');
    await register('ann');
    checkArgon2Binary(compose);
    say('prod: passwords are hashed by the code for this processor');
    await checkAttemptCounts(compose);
    say('prod: a wrong password is counted in Redis');
    await waitForEvents(compose, 1);
    say('prod: a registration is an event in the queue users.created');
    await checkWithoutRedisAndRabbitmq(compose);
    say('prod: Redis and RabbitMQ stop and start, no request waits, and no event is lost');

    const session = await logIn(headers);
    await checkStopUnderLoad(compose, headers);
    compose.run('up', '--detach', '--wait');
    const last = await refresh(session);
    assert.equal(last.status, 200, 'the session outlived the stop');
    await waitForEvents(compose, 2);
    say('prod: sessions and events outlive a stop');
  });
}

async function checkBreachedPassword(): Promise<void> {
  const body = { username: 'bob', email: 'bob@example.com', password: BREACHED_PASSWORD };
  const answer = await send('POST', '/auth/register', { body });
  assert.equal(answer.status, 400);
  assert.match(String(answer.body.detail), /data breach/);
}

/** Checks that the service has loaded the binary for x86-64-v3 if the processor can run it. */
function checkArgon2Binary(compose: Compose): void {
  const maps = compose.read('exec', '-T', 'app', 'sh', '-c', 'cat /proc/[0-9]*/maps 2>/dev/null || true');
  const loaded = /\S*argon2\S*\.node/.exec(maps)?.[0] ?? '';
  const isV3 = isX8664V3(readFileSync('/proc/cpuinfo', 'utf8'));
  assert.match(loaded, isV3 ? /^\/app\/native\/argon2-x86-64-v3\// : /^\/app\/node_modules\/argon2\//);
}

async function checkTakenPort(compose: Compose): Promise<void> {
  const server = createServer().listen(Number(ENV.API_PORT), '127.0.0.1');
  await once(server, 'listening');
  try {
    assert.match(
      compose.fail('up', '--detach', '--wait'),
      /address already in use|port is already allocated/,
    );
  } finally {
    server.close();
    compose.run('down');
  }
}

function checkConfigurationFaults(folder: string, compose: Compose): void {
  writeDotEnv(folder, {
    ...ENV,
    PUBLIC_URL: PUBLIC_SERVICE.PUBLIC_URL,
    LOGIN_BY_USER_ID: 'open',
    ACCESS_TOKEN_SIGN_KEY: 'a'.repeat(80),
  });
  const output = compose.fail('up');
  for (const name of ['SMTP_SERVER', 'SMTP_FROM', 'LOGIN_BY_USER_ID', 'ACCESS_TOKEN_SIGN_KEY'])
    assert.match(output, new RegExp(`${name} (?:is|has)`));
  assert.equal(compose.read('ps', '--quiet').trim(), '', 'no container runs');
}

async function checkAttemptCounts(compose: Compose): Promise<void> {
  const before = runInContainer(compose, 'redis', REDIS_KEYS);
  const body = { username: 'ann', password: 'not a violet piano' };
  const wrong = await send('POST', '/auth/login', { body });
  assert.deepEqual([wrong.status, wrong.body.code], [401, 'invalid_credentials']);
  assert.ok(runInContainer(compose, 'redis', REDIS_KEYS).length > before.length);
}

/** Waits for this number of events in the queue. No consumer takes them, so RabbitMQ keeps them. */
async function waitForEvents(compose: Compose, count: number): Promise<void> {
  await until(`${count} events in users.created`, () =>
    runInContainer(compose, 'rabbitmq', QUEUES).includes(`users.created\t${count}`),
  );
}

async function checkWithoutRedisAndRabbitmq(compose: Compose): Promise<void> {
  compose.run('stop', 'redis', 'rabbitmq');
  await register('bob');
  assert.equal((await send('GET', '/health/ready')).status, 200);
  compose.run('start', 'redis', 'rabbitmq');
  await waitForEvents(compose, 2);
}

/** Runs a shell command in a container, and returns the lines of its output. */
function runInContainer(compose: Compose, service: string, command: string): string[] {
  const output = compose.read('exec', '-T', service, 'sh', '-c', command);
  return output.split('\n').filter((line) => line !== '');
}

/** Sends SIGTERM while clients send requests. The service must answer every accepted request. */
async function checkStopUnderLoad(compose: Compose, headers: Headers): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const counts = { answered: 0, failed: 0 };
  let stopping = false;
  const client = async () => {
    for (;;) {
      const answer = await send('POST', `/auth/login?userId=${USER}`, { headers, agent }).catch(
        (error) => error.code,
      );
      if (typeof answer === 'string') {
        // A request on a connection that was never accepted does not count as failed.
        if (stopping && ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(answer)) return;
        counts.failed += 1;
        return;
      }
      if (answer.status === 200) counts.answered += 1;
      else counts.failed += 1;
    }
  };
  const clients = Array.from({ length: 16 }, client);
  await sleep(2_000);
  stopping = true;
  compose.run('kill', '--signal', 'TERM', 'app');
  await Promise.all(clients);
  await until('the service ended with exit code 0', () => {
    const format = '{{.State.Status}} {{.State.ExitCode}}';
    const state = execFileSync('docker', ['inspect', '--format', format, 'kinship-app-1']);
    return state.toString().trim() === 'exited 0';
  });
  agent.destroy();
  assert.equal(counts.failed, 0, 'no accepted request failed');
  say(`prod: SIGTERM under load, ${counts.answered} answered, ${counts.failed} failed`);
}

import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Compose, type Project, withCompose } from './docker.ts';
import { say, until } from './progress.ts';
import { type Headers, logIn, type Pair, refresh, register, send, theftIsNoticed, USER } from './service.ts';

const MAIL_CATCHER = `
services:
  mailpit:
    image: axllent/mailpit:latest
    networks: [inside, outside]
    ports: ["127.0.0.1:8025:8025"]
`;

const ENVIRONMENT = {
  SECRETS_DIR: './secrets',
  PUBLIC_URL: 'https://auth.example.com',
  SMTP_SERVER: 'mailpit',
  SMTP_PORT: '1025',
  SMTP_FROM: 'auth@example.com',
  SMTP_RECEIVER: 'operator@example.com',
};

/** As the health checks of compose.prod.yml find them. */
const REDIS_KEYS =
  "REDISCLI_AUTH=$(sed -n 's/^requirepass //p' /run/secrets/redis_conf) redis-cli --scan --pattern 'kinship:*'";
const QUEUES = 'PATH=$PATH:/usr/lib/rabbitmq/bin rabbitmqctl -q list_queues --no-table-headers name messages';

export async function prod(folder: string): Promise<void> {
  const project = prepared(folder);
  const headers = { 'x-api-key': serviceKeyIn(folder) };
  await withCompose(project, async (compose) => {
    const unknown = await send('POST', `/auth/login?userId=${USER}`);
    assert.equal(unknown.status, 401, 'a service key is needed');
    await theftIsNoticed(headers);
    say('prod: login, refresh, replay, a mail');

    await register('ann');
    await passwordsAreCounted(compose);
    say('prod: a wrong password is counted in Redis');
    await usersHeardOf(compose, 1);
    say('prod: who registers is heard of in the queue users.created');
    await goesOnWithoutThem(compose);
    say('prod: Redis and RabbitMQ stop and start, nobody waits, and no event is lost');

    const pair = await logIn(headers);
    await stopUnderLoad(compose, headers);
    compose.run('up', '--detach', '--wait');
    const next = await refresh(pair);
    assert.equal(next.status, 200, 'the session outlived the stop');

    compose.run('down');
    compose.run('up', '--detach', '--wait');
    const last = await refresh(next.body as unknown as Pair);
    assert.equal(last.status, 200, 'the session outlived down and up');
    await usersHeardOf(compose, 2);
    say('prod: data outlives down and up');
  });
}

/** With secrets, and something that takes mails. */
function prepared(folder: string): Project {
  execFileSync('npm', ['run', '--silent', 'secrets', '--', '--write', join(folder, 'secrets')], {
    stdio: 'inherit',
  });
  const mailCatcher = join(folder, 'compose.mail.yml');
  writeFileSync(mailCatcher, MAIL_CATCHER);
  return { folder, args: ['-f', 'compose.prod.yml', '-f', mailCatcher], environment: ENVIRONMENT };
}

function serviceKeyIn(folder: string): string {
  // The first one has the scope `login`.
  const [key = ''] = readFileSync(join(folder, 'secrets/service_api_keys'), 'utf8').trim().split(',');
  return key.split(':').slice(2).join(':');
}

async function passwordsAreCounted(compose: Compose): Promise<void> {
  const before = inContainer(compose, 'redis', REDIS_KEYS);
  const body = { username: 'ann', password: 'not a violet piano' };
  const wrong = await send('POST', '/auth/login', { body });
  assert.deepEqual([wrong.status, wrong.body.code], [401, 'invalid_credentials']);
  assert.ok(inContainer(compose, 'redis', REDIS_KEYS).length > before.length);
}

/** RabbitMQ keeps them, as nobody takes them. */
async function usersHeardOf(compose: Compose, count: number): Promise<void> {
  await until(`${count} events in users.created`, () =>
    inContainer(compose, 'rabbitmq', QUEUES).includes(`users.created\t${count}`),
  );
}

async function goesOnWithoutThem(compose: Compose): Promise<void> {
  compose.run('stop', 'redis', 'rabbitmq');
  await register('bob');
  assert.equal((await send('GET', '/health/ready')).status, 200);
  compose.run('start', 'redis', 'rabbitmq');
  await usersHeardOf(compose, 2);
}

/** The lines that a command of the shell writes there. */
function inContainer(compose: Compose, service: string, command: string): string[] {
  const output = compose.read('exec', '-T', service, 'sh', '-c', command);
  return output.split('\n').filter((line) => line !== '');
}

/** SIGTERM while clients are at it: whatever was accepted gets its answer. */
async function stopUnderLoad(compose: Compose, headers: Headers): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const counts = { answered: 0, failed: 0 };
  let stopping = false;
  const client = async () => {
    for (;;) {
      const answer = await send('POST', `/auth/login?userId=${USER}`, { headers, agent }).catch(
        (error) => error.code,
      );
      if (typeof answer === 'string') {
        // A connection that was never accepted is no accepted request.
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

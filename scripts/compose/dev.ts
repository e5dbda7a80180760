import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Compose, withCompose, writeDotEnv } from './docker.ts';
import { say, until } from './progress.ts';
import { checkConsole, checkTheft, ENV, MAIL_PORT, register, send } from './service.ts';

const PORTS = { DEV_MAIL_PORT: MAIL_PORT, DEV_RABBITMQ_PORT: '25672', DEV_PROMETHEUS_PORT: '19090' };
const RABBITMQ = `http://127.0.0.1:${PORTS.DEV_RABBITMQ_PORT}/api`;
const PROMETHEUS = `http://127.0.0.1:${PORTS.DEV_PROMETHEUS_PORT}/api/v1`;

export async function dev(folder: string): Promise<void> {
  const args = ['-f', 'compose.dev.yml', '--profile', 'monitoring'];
  writeDotEnv(folder, { ...ENV, ...PORTS, CONSOLE: 'on' });
  await withCompose({ folder, args }, async (compose) => {
    checkPublishedPorts(compose);
    const log = compose.read('logs', 'app');
    assert.ok(log.includes(`"publicUrl":"http://localhost:${ENV.API_PORT}"`), 'the log names the address');
    say('dev: ports are published where .env names them');
    await checkConsole(ENV.API_PORT);
    say('dev: CONSOLE=on serves the console');
    await checkTheft({});
    say('dev: login, refresh, replay, a mail');
    await checkEvent();
    say('dev: a registration is an event in the queue users.created');
    await checkMonitoring();
    say('dev: Prometheus scrapes the service, and has the rules');
    await checkRestartAfterEdit(folder);
    say('dev: the service restarts after an edit of a source file');
  });
}

function checkPublishedPorts(compose: Compose): void {
  const lines = compose.read('ps', '--format', '{{.Service}} {{.Ports}}').trim().split('\n');
  const published = lines.filter((line) => line.includes('->')).map((line) => line.split(' ')[0]);
  assert.deepEqual(published.sort(), ['app', 'mailpit', 'prometheus', 'rabbitmq']);
  for (const line of lines) assert.doesNotMatch(line, /0\.0\.0\.0:|\[::\]:/);
}

/** Reads the queue through RabbitMQ's management API. */
async function checkEvent(): Promise<void> {
  await register('ann');
  const taken: { payload: string }[] = [];
  await until('the event is in its queue', async () => {
    taken.push(...(await takeFrom('users.created')));
    return taken.length > 0;
  });
  const events = taken.map(({ payload }) => JSON.parse(payload));
  assert.deepEqual(
    events.map(({ type, data }) => [type, data.username]),
    [['users.created', 'ann']],
  );
}

async function takeFrom(queue: string): Promise<{ payload: string }[]> {
  const response = await fetch(`${RABBITMQ}/queues/%2F/${queue}/get`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ count: 10, ackmode: 'ack_requeue_false', encoding: 'auto' }),
  });
  assert.equal(response.status, 200);
  return (await response.json()) as { payload: string }[];
}

async function checkMonitoring(): Promise<void> {
  await until('Prometheus sees the service', async () => {
    const { activeTargets } = await queryPrometheus<{ activeTargets: { health: string }[] }>('targets');
    return activeTargets.length === 1 && activeTargets[0]?.health === 'up';
  });
  await until('every rule was evaluated', async () => {
    const { groups } = await queryPrometheus<{ groups: { rules: { health: string }[] }[] }>('rules');
    const rules = groups.flatMap((group) => group.rules);
    return rules.length > 0 && rules.every(({ health }) => health === 'ok');
  });
}

async function queryPrometheus<Data>(path: string): Promise<Data> {
  const { data } = (await (await fetch(`${PROMETHEUS}/${path}`)).json()) as { data: Data };
  return data;
}

async function checkRestartAfterEdit(folder: string): Promise<void> {
  const source = join(folder, 'src/adapters/http/server/methods.ts');
  const edited = readFileSync(source, 'utf8').replace(
    'There is no such route.',
    'There is no such route, still.',
  );
  writeFileSync(source, edited);
  await until('the edited source answers', async () => {
    const { body } = await send('GET', '/no-such-route');
    return body.detail === 'There is no such route, still.';
  });
}

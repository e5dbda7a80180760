import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withCompose } from './docker.ts';
import { say, until } from './progress.ts';
import { register, send, theftIsNoticed } from './service.ts';

const RABBITMQ = 'http://127.0.0.1:15672/api';
const PROMETHEUS = 'http://127.0.0.1:9090/api/v1';

export async function dev(folder: string): Promise<void> {
  const args = ['-f', 'compose.dev.yml', '--profile', 'monitoring'];
  await withCompose({ folder, args, environment: {} }, async () => {
    await theftIsNoticed({});
    say('dev: login, refresh, replay, a mail');
    await eventArrives();
    say('dev: who registers is heard of in the queue users.created');
    await isWatched();
    say('dev: Prometheus scrapes the service, and has the rules');
    await editAnswers(folder);
    say('dev: an edited source file answers anew');
  });
}

/** Read as a developer would see it, in RabbitMQ's own pages. */
async function eventArrives(): Promise<void> {
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

async function isWatched(): Promise<void> {
  await until('Prometheus sees the service', async () => {
    const { activeTargets } = await ask<{ activeTargets: { health: string }[] }>('targets');
    return activeTargets.length === 1 && activeTargets[0]?.health === 'up';
  });
  await until('every rule was evaluated', async () => {
    const { groups } = await ask<{ groups: { rules: { health: string }[] }[] }>('rules');
    const rules = groups.flatMap((group) => group.rules);
    return rules.length > 0 && rules.every(({ health }) => health === 'ok');
  });
}

async function ask<Data>(path: string): Promise<Data> {
  const { data } = (await (await fetch(`${PROMETHEUS}/${path}`)).json()) as { data: Data };
  return data;
}

async function editAnswers(folder: string): Promise<void> {
  const source = join(folder, 'src/adapters/http/server/exits.ts');
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

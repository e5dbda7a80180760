import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import t, { type Test } from 'tap';
import { schemaFaults } from '../support/event-schema.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

const KEY = 'correct-horse-battery-staple-2026';

/** The whole service with a receiver. `call` sends a request of an operator. */
async function serviceWithReceiver(t: Test, env: Readonly<Record<string, string>> = {}) {
  const receiver = await webhookReceiver(t);
  const service = await startServiceInProcess(t, {
    DATABASE_URL: await testDatabase(t),
    SERVICE_API_KEYS: `operator:admin+login:${KEY}`,
    WEBHOOKS_ALLOW_PRIVATE: '127.0.0.1',
    MAIL: 'off',
    ...env,
  });
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers: { 'x-api-key': KEY, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
  };
  return { ...service, receiver, call, logIn: () => call('POST', `/auth/login?userId=${randomUUID()}`) };
}

const waitForWebhooks = (receiver: Awaited<ReturnType<typeof webhookReceiver>>, count: number) =>
  waitForValue(`${count} webhooks`, async () =>
    receiver.requests.length >= count ? receiver.requests : undefined,
  );

t.test('an event reaches an endpoint, and the reference library verifies it', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { receiver, call, logIn, lines } = await serviceWithReceiver(t);
  const added = await call('POST', '/admin/webhooks', { url: receiver.url, types: ['sessions.*'] });
  t.match(added, { status: 201, body: { secret: /^whsec_/, state: 'enabled', format: 'webhook' } });
  const { id, secret } = added.body;
  t.equal((await logIn()).status, 200);
  const [request] = await waitForWebhooks(receiver, 1);
  const event = new Webhook(secret).verify(request?.body ?? '', request?.headers ?? {}) as { id: string };
  t.same(schemaFaults(event), []);
  t.match(event, { type: 'sessions.started', source: 'kinship' });
  t.equal(request?.headers['webhook-id'], event.id);
  t.equal(request?.method, 'POST');
  const deliveries = await waitForValue('the record', async () => {
    const { body } = await call('GET', `/admin/webhooks/${id}/deliveries`);
    return body.items[0]?.state === 'delivered' ? body : undefined;
  });
  t.match(deliveries.items, [
    { eventId: event.id, type: 'sessions.started', attempts: [{ status: 204, milliseconds: Number }] },
  ]);
  t.equal((await call('POST', `/admin/webhooks/${id}/deliveries/${event.id}/send`)).status, 202);
  const [, again] = await waitForWebhooks(receiver, 2);
  t.equal(again?.headers['webhook-id'], event.id, 'sent again with the same id');
  t.equal(again?.body, request?.body);
  const shown = JSON.stringify([await call('GET', '/admin/webhooks'), deliveries, lines]);
  t.notMatch(shown, secret, 'the secret was shown once');
});

t.test('an endpoint of WEBHOOKS_FILE gets events, and the file alone changes it', async (t) => {
  if (!(await requirePostgres(t))) return;
  const endpoint = await webhookReceiver(t);
  const folder = await dataDir(t);
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  await writeFile(join(folder, 'secret'), `${secret}\n`);
  const file = join(folder, 'webhooks.json');
  await writeFile(file, JSON.stringify([{ url: endpoint.url, types: ['sessions.*'], secretFile: 'secret' }]));
  const { call, logIn, lines } = await serviceWithReceiver(t, { WEBHOOKS_FILE: file });
  const stored = await waitForValue(
    'the endpoint',
    async () => (await call('GET', '/admin/webhooks')).body.items[0],
  );
  t.match(stored, { url: endpoint.url, types: ['sessions.*'], state: 'enabled', declared: true });
  await logIn();
  const [request] = await waitForWebhooks(endpoint, 1);
  t.ok(new Webhook(secret).verify(request?.body ?? '', request?.headers ?? {}));
  const path = `/admin/webhooks/${stored.id}`;
  for (const [method, place, body] of [
    ['PATCH', path, { types: ['*'] }],
    ['DELETE', path],
    ['POST', `${path}/secret`],
  ] as const)
    t.match(
      await call(method, place, body),
      { status: 409, body: { detail: /^WEBHOOKS_FILE/ } },
      `${method} ${place}`,
    );
  t.match(await call('PATCH', path, { enabled: false }), { status: 200, body: { state: 'disabled' } });
  t.notMatch(JSON.stringify([lines, await call('GET', '/admin/webhooks')]), secret.slice(6), 'not shown');
});

t.test('a file whose endpoint is internal stops the start', async (t) => {
  const folder = await dataDir(t);
  await writeFile(join(folder, 'secret'), `whsec_${randomBytes(32).toString('base64')}`);
  const file = join(folder, 'webhooks.json');
  await writeFile(file, JSON.stringify([{ url: 'https://10.0.0.1/', types: ['*'], secretFile: 'secret' }]));
  const starting = startServiceInProcess(t, { DATA_DIR: join(folder, 'data'), WEBHOOKS_FILE: file });
  await t.rejects(starting, {
    message: /^WEBHOOKS_FILE: https:\/\/10\.0\.0\.1\/: .* is not a public address/,
  });
});

t.test('while a secret is rotated, both secrets verify', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { receiver, call, logIn } = await serviceWithReceiver(t);
  const { body } = await call('POST', '/admin/webhooks', { url: receiver.url, types: ['*'] });
  const rotated = await call('POST', `/admin/webhooks/${body.id}/secret`);
  t.match(rotated, { status: 201, body: { secret: /^whsec_/, formerSignsUntil: String } });
  t.not(rotated.body.secret, body.secret);
  await logIn();
  const [request] = await waitForWebhooks(receiver, 1);
  for (const secret of [body.secret, rotated.body.secret])
    t.ok(new Webhook(secret).verify(request?.body ?? '', request?.headers ?? {}));
  const { body: other } = await call('POST', '/admin/webhooks', { url: receiver.url, types: ['*'] });
  t.throws(() => new Webhook(other.secret).verify(request?.body ?? '', request?.headers ?? {}));
});

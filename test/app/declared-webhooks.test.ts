import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createDataSealer } from '../../src/adapters/jose/sealed-data.ts';
import { applyDeclared } from '../../src/app/webhooks/apply-declared.ts';
import { openCredentials, signingSecrets } from '../../src/app/webhooks/credentials.ts';
import type { DeclaredEndpoint } from '../../src/domain/webhooks.ts';
import { changeEndpoint, someEndpoint } from '../ports/webhooks.ts';
import { NOW } from '../support/families.ts';
import { createMemoryWebhooks } from '../support/memory/webhooks.ts';
import { someKey } from '../support/sessions.ts';

const DAY = 86_400_000;

function setUp() {
  const { webhookEndpoints, webhookDeliveries } = createMemoryWebhooks();
  const sealer = createDataSealer([someKey('data-1')]);
  const deps = { webhookEndpoints, webhookDeliveries, sealer, newId: randomUUID, clock: () => NOW };
  return {
    webhookEndpoints,
    webhookDeliveries,
    apply: (...declared: DeclaredEndpoint[]) => applyDeclared(deps, declared),
    async secretsOf(id: string, at = NOW) {
      const endpoint = await webhookEndpoints.find(id);
      return endpoint === null ? null : signingSecrets(await openCredentials(sealer, endpoint), at);
    },
  };
}

function declare(values: Partial<DeclaredEndpoint> = {}): DeclaredEndpoint {
  return {
    id: randomUUID(),
    url: 'https://hooks.example.com/in',
    types: ['sessions.*'],
    format: 'webhook',
    audience: null,
    contact: null,
    enabled: true,
    secret: 'whsec_first',
    ...values,
  };
}

t.test(
  'an endpoint that returns to the file does not get the deliveries that it had before its removal',
  async (t) => {
    const { webhookDeliveries, apply } = setUp();
    const endpoint = declare();
    await apply(endpoint);
    const event = { id: randomUUID(), type: 'sessions.started', occurredAt: NOW, data: {} };
    await webhookDeliveries.add(endpoint.id, event);
    await apply(endpoint);
    t.same(await webhookDeliveries.listDueEndpoints(NOW), [endpoint.id], 'a restart keeps the delivery');
    await apply();
    await apply(endpoint);
    t.same(await webhookDeliveries.listDueEndpoints(NOW), []);
    t.same(await webhookDeliveries.list(endpoint.id, 10, null), []);
  },
);

t.test('the file adds, changes and removes its endpoints, and changes no other endpoint', async (t) => {
  const { webhookEndpoints, apply } = setUp();
  const other = someEndpoint();
  await webhookEndpoints.add(other, { total: 100, ofOwner: 10 });
  const [one, two] = [declare(), declare({ enabled: false })];
  await apply(one, two);
  t.match(await webhookEndpoints.find(one.id), { declared: true, state: 'enabled', types: ['sessions.*'] });
  t.match(await webhookEndpoints.find(two.id), { state: 'disabled', disabledBecause: 'operator' });
  await apply({ ...two, enabled: true, types: ['*'], contact: 'ops@example.com' });
  t.equal(await webhookEndpoints.find(one.id), null);
  t.match(await webhookEndpoints.find(two.id), {
    state: 'enabled',
    types: ['*'],
    contact: 'ops@example.com',
  });
  await apply();
  t.same(await webhookEndpoints.list(), [other]);
});

t.test(
  'a start does not enable an endpoint that answered 410, and forgets no failure of another endpoint',
  async (t) => {
    const { webhookEndpoints, apply } = setUp();
    const [gone, failing] = [declare(), declare()];
    await apply(gone, failing);
    await changeEndpoint(webhookEndpoints, gone.id, { state: 'disabled', disabledBecause: 'gone' });
    await webhookEndpoints.recordHealth(failing.id, { at: NOW, hasSucceeded: false, heldUntil: null });
    await apply(gone, failing);
    t.match(await webhookEndpoints.find(gone.id), { state: 'disabled', disabledBecause: 'gone' });
    t.match(await webhookEndpoints.find(failing.id), { state: 'enabled', failingSince: NOW });
  },
);

t.test('the former secret of the file signs for a day', async (t) => {
  const { webhookEndpoints, apply, secretsOf } = setUp();
  const endpoint = declare();
  await apply(endpoint);
  t.same(await secretsOf(endpoint.id), ['whsec_first']);
  const sealed = (await webhookEndpoints.find(endpoint.id))?.sealedCredentials;
  await apply(endpoint);
  t.equal((await webhookEndpoints.find(endpoint.id))?.sealedCredentials, sealed, 'the same secret is kept');
  await apply({ ...endpoint, secret: 'whsec_second' });
  t.same(await secretsOf(endpoint.id), ['whsec_second', 'whsec_first']);
  t.same(await secretsOf(endpoint.id, NOW + DAY), ['whsec_second']);
});

t.test('replicas that start at the same time add each endpoint once', async (t) => {
  const { webhookEndpoints, apply } = setUp();
  const endpoints = [declare(), declare(), declare()];
  await Promise.all([apply(...endpoints), apply(...endpoints)]);
  t.equal((await webhookEndpoints.list()).length, 3);
});

import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import t, { type Test } from 'tap';
import { createDataSealer } from '../../src/adapters/jose/sealed-data.ts';
import { createWebhookSignatures } from '../../src/adapters/secrets/webhook-signatures.ts';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { createWebhookSender } from '../../src/adapters/webhooks/webhook-sender.ts';
import { sealCredentials } from '../../src/app/webhooks/credentials.ts';
import { disableDead } from '../../src/app/webhooks/disable-dead.ts';
import { cloudEventFormat } from '../../src/app/webhooks/formats/cloud-event.ts';
import { notifyContacts } from '../../src/app/webhooks/notify-contacts.ts';
import { createWebhookQueues } from '../../src/app/webhooks/webhook-queues.ts';
import type { WebhookEndpoint } from '../../src/domain/webhooks.ts';
import { type Mail, MailRejected } from '../../src/ports/delivery/mailer.ts';
import { changeEndpoint, someEndpoint } from '../ports/webhooks.ts';
import { countsOf } from '../support/exposition.ts';
import { NOW } from '../support/families.ts';
import { createMemoryWebhooks } from '../support/memory/webhooks.ts';
import { someKey } from '../support/sessions.ts';
import { waitUntil } from '../support/wait-until.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const LIMITS = { total: 100, ofOwner: 10 };

/** The delivery to real receivers, with stores in memory and a clock that the test sets. */
function setUp(t: Test) {
  const { webhookEndpoints, webhookDeliveries } = createMemoryWebhooks();
  const signatures = createWebhookSignatures();
  const secret = signatures.makeSecret();
  const sealer = createDataSealer([someKey('data-1')]);
  const sender = createWebhookSender({ allowedNetworks: ['127.0.0.1'] });
  t.teardown(() => sender.close());
  const metrics = createMetrics();
  const world = { now: NOW, mailFails: null as Error | null };
  const mails: Mail[] = [];
  const format = cloudEventFormat({ signatures, source: 'kinship' });
  const ignore = () => undefined;
  const deps = {
    webhookEndpoints,
    webhookDeliveries,
    sealer,
    sender,
    formats: { webhook: format, set: format, 'logout-token': format },
    telemetry: metrics.telemetry,
    tracing: null,
    clock: () => world.now,
    newId: randomUUID,
    random: () => 0.5,
    log: { info: ignore, warn: ignore, error: ignore },
    serviceName: 'auth.example.com',
    mailer: {
      async send(mail: Mail) {
        mails.push(mail);
        if (world.mailFails !== null) throw world.mailFails;
      },
    },
  };
  return {
    ...deps,
    world,
    mails,
    secret,
    metrics,
    queues: () => createWebhookQueues(deps),
    disableDead: disableDead(deps),
    notifyContacts: notifyContacts(deps),
    /** Makes one batch of attempts to each endpoint that has due deliveries. */
    async deliverDue() {
      const queues = createWebhookQueues(deps);
      await queues.startDue();
      await queues.stop();
    },
    async addEndpoint(values: Partial<WebhookEndpoint>) {
      const id = randomUUID();
      const sealedCredentials = await sealCredentials(sealer, id, { secret });
      await webhookEndpoints.add(someEndpoint({ id, sealedCredentials, ...values }), LIMITS);
      return id;
    },
    /** Adds an endpoint that the service has disabled. */
    async addDisabled() {
      const endpoint = someEndpoint({ contact: 'ops@example.com' });
      await webhookEndpoints.add({ ...endpoint, state: 'disabled', disabledBecause: 'gone' }, LIMITS);
    },
    async addEvent(endpointId: string) {
      const data = { userId: randomUUID() };
      await webhookDeliveries.add(endpointId, {
        id: randomUUID(),
        type: 'sessions.revoked',
        occurredAt: world.now,
        data,
      });
    },
    deliveriesOf: (id: string) => webhookDeliveries.list(id, 100, null),
  };
}

t.test(
  'an event that was not accepted is sent again after growing waits, with its id and a new signature',
  async (t) => {
    const { addEndpoint, addEvent, deliverDue, deliveriesOf, webhookEndpoints, world, secret } = setUp(t);
    const receiver = await webhookReceiver(t);
    receiver.answerWith((response) => void response.writeHead(500).end('no disk'));
    const id = await addEndpoint({ url: receiver.url });
    await addEvent(id);
    for (const [attempt, wait] of [5 * SECOND, 30 * SECOND, 2 * MINUTE].entries()) {
      await deliverDue();
      t.equal(receiver.requests.length, attempt + 1);
      const [delivery] = await deliveriesOf(id);
      t.match(delivery, { state: 'pending', attempts: attempt + 1, dueAt: world.now + wait });
      t.match(delivery?.history.at(-1), { at: world.now, status: 500, reason: 'HTTP 500 no disk' });
      world.now += wait - 1;
      await deliverDue();
      t.equal(receiver.requests.length, attempt + 1, 'not before the wait is over');
      world.now += 1;
    }
    t.equal((await webhookEndpoints.find(id))?.failingSince, NOW);
    receiver.answerWith((response) => void response.writeHead(204).end());
    await deliverDue();
    t.match(await deliveriesOf(id), [{ state: 'delivered', attempts: 4 }]);
    t.equal((await webhookEndpoints.find(id))?.failingSince, null, 'a success forgets the failures');
    t.equal(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size, 1);
    t.equal(new Set(receiver.requests.map(({ headers }) => headers['webhook-timestamp'])).size, 4);
    const webhook = new Webhook(secret);
    for (const { body, headers } of receiver.requests)
      t.ok(webhook.sign(headers['webhook-id'] ?? '', dateOf(headers), body) === headers['webhook-signature']);
  },
);

const dateOf = (headers: Readonly<Record<string, string>>) =>
  new Date(Number(headers['webhook-timestamp']) * SECOND);

t.test('a delivery has failed after its last attempt, and is not sent again', async (t) => {
  const { addEndpoint, addEvent, deliverDue, deliveriesOf, world, metrics } = setUp(t);
  const receiver = await webhookReceiver(t);
  receiver.answerWith((response) => void response.writeHead(500).end());
  const id = await addEndpoint({ url: receiver.url });
  await addEvent(id);
  const state = async () => (await deliveriesOf(id))[0]?.state;
  for (; (await state()) === 'pending'; world.now += DAY + DAY / 10) await deliverDue();
  await deliverDue();
  t.equal(receiver.requests.length, 12);
  t.equal(await state(), 'failed');
  const counts = await countsOf(metrics, 'kinship_webhook_attempts_total');
  t.match(counts, { '{format="webhook",outcome="exhausted"}': 1 });
});

t.test('Retry-After, in seconds or as a date, delays all deliveries to the endpoint', async (t) => {
  const { addEndpoint, addEvent, deliverDue, world } = setUp(t);
  const receiver = await webhookReceiver(t);
  const id = await addEndpoint({ url: receiver.url });
  for (const value of ['120', new Date(NOW + 4 * MINUTE).toUTCString()]) {
    receiver.requests.length = 0;
    receiver.answerWith((response) => void response.writeHead(429, { 'retry-after': value }).end());
    await addEvent(id);
    await deliverDue();
    const { length } = receiver.requests;
    await addEvent(id);
    world.now += 2 * MINUTE - SECOND;
    await deliverDue();
    t.equal(receiver.requests.length, length, 'a new event waits too');
    world.now += SECOND;
  }
  receiver.answerWith((response) => void response.writeHead(204).end());
  receiver.requests.length = 0;
  await deliverDue();
  t.equal(receiver.requests.length, 4);
});

t.test('an endpoint that answers 410 is disabled, and its contact is notified once', async (t) => {
  const { addEndpoint, addEvent, deliverDue, notifyContacts, webhookEndpoints, world, metrics, mails } =
    setUp(t);
  const receiver = await webhookReceiver(t);
  receiver.answerWith((response) => void response.writeHead(410).end());
  const id = await addEndpoint({ url: receiver.url, contact: 'ops@example.com' });
  await addEvent(id);
  await deliverDue();
  t.match(await webhookEndpoints.find(id), { state: 'disabled', disabledBecause: 'gone' });
  t.same(await countsOf(metrics, 'kinship_webhook_endpoints_disabled_total'), { '{reason="gone"}': 1 });
  t.equal(await notifyContacts(), 1);
  t.equal(await notifyContacts(), 0);
  t.match(mails, [{ to: 'ops@example.com', text: /It answered 410 Gone/ }]);
  t.equal(mails.length, 1);

  await changeEndpoint(webhookEndpoints, id, { state: 'enabled', disabledBecause: null });
  world.now += DAY;
  await addEvent(id);
  await deliverDue();
  await notifyContacts();
  t.equal(mails.length, 2);
  t.not(mails[0]?.id, mails[1]?.id, 'a mail system that drops known ids delivers the second mail');
});

t.test(
  'an endpoint that fails for five days is disabled and counted, and its contact is notified',
  async (t) => {
    const { addEndpoint, addEvent, deliverDue, disableDead, notifyContacts, webhookEndpoints, ...rest } =
      setUp(t);
    const { world, metrics, mails } = rest;
    const receiver = await webhookReceiver(t);
    receiver.answerWith((response) => void response.destroy());
    const id = await addEndpoint({ url: receiver.url, contact: 'ops@example.com' });
    await addEvent(id);
    await deliverDue();
    world.now = NOW + 5 * DAY;
    t.equal(await disableDead(), 0);
    world.now += 1;
    t.equal(await disableDead(), 1);
    t.equal(await disableDead(), 0, 'the endpoint is disabled once');
    t.match(await webhookEndpoints.find(id), { state: 'disabled', disabledBecause: 'dead' });
    t.same(await countsOf(metrics, 'kinship_webhook_endpoints_disabled_total'), { '{reason="dead"}': 1 });
    await notifyContacts();
    t.match(mails, [{ subject: 'Events to 127.0.0.1:', text: /failed for five days/ }]);
  },
);

t.test('a stream that fails for five days is disabled, and its receiver gets an event', async (t) => {
  const { addEndpoint, addEvent, deliverDue, disableDead, webhookDeliveries, world } = setUp(t);
  const receiver = await webhookReceiver(t);
  receiver.answerWith((response) => void response.writeHead(500).end());
  const stream = { description: null, eventsRequested: [], statusReason: null };
  const id = await addEndpoint({ url: receiver.url, owner: 'shop', stream });
  await addEvent(id);
  await deliverDue();
  world.now = NOW + 5 * DAY + 1;
  t.equal(await disableDead(), 1);
  const claimed = await webhookDeliveries.claim(id, world.now, world.now + SECOND, 10);
  const data = { status: 'disabled', reason: 'Every delivery has failed for five days.' };
  t.match(claimed, [{ event: { type: 'streams.updated', data } }]);
  t.equal(claimed.length, 1, 'no other event is sent');
});

t.test('a contact whose address the relay rejects gets no second mail', async (t) => {
  const { addDisabled, notifyContacts, world, mails } = setUp(t);
  await addDisabled();
  world.mailFails = new MailRejected('550 no such user');
  t.equal(await notifyContacts(), 1);
  world.now += DAY;
  t.equal(await notifyContacts(), 0);
  t.equal(mails.length, 1);
});

t.test(
  'the mail to a contact is tried again after growing delays, with the same id, for a day',
  async (t) => {
    const { addDisabled, notifyContacts, world, mails } = setUp(t);
    await addDisabled();
    world.mailFails = new Error('the relay is away');
    for (const delay of [2.5, 5, 10, 20]) {
      t.equal(await notifyContacts(), 1);
      world.now += delay * SECOND - 1;
      t.equal(await notifyContacts(), 0, `not before ${delay} seconds have passed`);
      world.now += 1;
    }
    world.now = NOW + DAY;
    t.equal(await notifyContacts(), 1);
    world.now += 10 * MINUTE;
    t.equal(await notifyContacts(), 1, 'the last attempt');
    world.now += DAY;
    t.equal(await notifyContacts(), 0);
    t.equal(mails.length, 6);
    t.equal(new Set(mails.map(({ id }) => id)).size, 1);
  },
);

t.test('replicas that notify at the same time send one mail', async (t) => {
  const { addDisabled, notifyContacts, mails } = setUp(t);
  await addDisabled();
  t.same((await Promise.all([notifyContacts(), notifyContacts()])).sort(), [0, 1]);
  t.equal(mails.length, 1);
});

t.test('a slow endpoint delays no other endpoint', async (t) => {
  const { addEndpoint, addEvent, deliveriesOf, queues } = setUp(t);
  const [slow, healthy] = [await webhookReceiver(t), await webhookReceiver(t)];
  const open: (() => void)[] = [];
  slow.answerWith((response) => void open.push(() => response.writeHead(204).end()));
  const slowId = await addEndpoint({ url: slow.url });
  const healthyId = await addEndpoint({ url: healthy.url });
  const { startDue, stop } = queues();
  for (let round = 1; round <= 3; round += 1) {
    await addEvent(slowId);
    await addEvent(healthyId);
    const isDelivered = async () =>
      (await deliveriesOf(healthyId)).filter(({ state }) => state === 'delivered').length === round;
    await waitUntil(async () => {
      await startDue();
      return isDelivered();
    });
  }
  await waitUntil(() => open.length === 1);
  t.equal(slow.requests.length, 1, 'the slow endpoint still handles its first request');
  for (const answer of open) answer();
  await stop();
  t.equal((await deliveriesOf(slowId)).filter(({ state }) => state === 'delivered').length, 1);
});

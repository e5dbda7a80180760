import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConfirmChannel, GetMessage } from 'amqplib';
import t, { type Test } from 'tap';
import { connectBroker } from '../../src/adapters/amqp/connect.ts';
import { createEventPublisher } from '../../src/adapters/amqp/event-publisher.ts';
import { probeBroker } from '../../src/adapters/amqp/probe-broker.ts';
import type { Topology } from '../../src/adapters/amqp/topology.ts';
import type { Publication, PublishResult } from '../../src/ports/delivery/event-publisher.ts';
import { createSelfSigned, OPENSSL, untrustedServer } from '../support/certificate.ts';
import { schemaFaults } from '../support/event-schema.ts';
import { NOW } from '../support/families.ts';
import { freePort } from '../support/ports.ts';
import { requirePrivateRabbit, startPrivateRabbit } from '../support/private-rabbit.ts';
import { consumerOf, requireRabbit, testTopology } from '../support/rabbit.ts';
import { skipFor } from '../support/skip.ts';
import { proxyTo } from '../support/tcp-proxy.ts';
import { waitUntil } from '../support/wait-until.ts';

const SOURCE = 'https://auth.example.com';

function createdEvent(id = randomUUID()): Publication {
  const data = { userId: randomUUID(), emailVerified: false, username: 'ann' };
  return { id, event: { type: 'users.created', occurredAt: NOW, data }, trace: null };
}

function deletedEvent(): Publication {
  return {
    id: randomUUID(),
    event: { type: 'users.deleted', occurredAt: NOW, data: { userId: randomUUID() } },
    trace: null,
  };
}

interface Line {
  readonly level: string;
  readonly message: string;
  readonly code: string | undefined;
}

/** The publisher of the service, and its log lines. */
async function publisherOn(
  t: Test,
  url: string,
  topology: Topology,
  timeouts?: { confirmation?: number; closing?: number },
) {
  const lines: Line[] = [];
  const write = (level: string) => (members: object, message: string) => {
    const { err } = members as { err?: { code?: string } };
    lines.push({ level, message, code: err?.code });
  };
  const log = { info: write('info'), warn: write('warn'), error: write('error') };
  const broker = await connectBroker(url, log, topology);
  const publisher = createEventPublisher(broker, { source: SOURCE, ...(timeouts && { timeouts }) });
  t.teardown(() => publisher.close());
  return { ...publisher, lines, ready: () => waitUntil(async () => publisher.isReady()) };
}

async function takeMessage(channel: ConfirmChannel, queue: string): Promise<GetMessage> {
  const message = await channel.get(queue, { noAck: true });
  if (message === false) throw new Error('the queue is empty');
  return message;
}

t.test('events are published to RabbitMQ', async (t) => {
  const url = await requireRabbit(t);
  if (url === null) return;

  await t.test('an event is routed by its type and arrives complete and persistent', async (t) => {
    const topology = testTopology(t, url);
    const publisher = await publisherOn(t, url, topology);
    await publisher.ready();
    const consumer = await consumerOf(t, url);
    await consumer.assertQueue(topology.queue, { durable: true });
    const publication = createdEvent();
    t.equal(await publisher.publish(publication), 'routed');
    const { fields, properties, content } = await takeMessage(consumer, topology.queue);
    t.match(fields, { exchange: topology.exchange, routingKey: 'users.created' });
    t.match(properties, {
      contentType: 'application/cloudevents+json',
      deliveryMode: 2,
      messageId: publication.id,
      type: 'users.created',
      timestamp: Math.floor(NOW / 1000),
    });
    const event = JSON.parse(content.toString());
    t.same(schemaFaults(event), []);
    t.match(event, { id: publication.id, source: SOURCE, data: publication.event.data });
    t.same(publisher.lines, []);
  });

  await t.test('a queue that a consumer declared before keeps its arguments', async (t) => {
    for (const options of [{ durable: true }, { durable: true, arguments: { 'x-max-length': 5 } }]) {
      const topology = testTopology(t, url);
      const consumer = await consumerOf(t, url);
      await consumer.assertQueue(topology.queue, options);
      const publisher = await publisherOn(t, url, topology);
      await publisher.ready();
      const publication = createdEvent();
      t.equal(await publisher.publish(publication), 'routed');
      t.equal((await takeMessage(consumer, topology.queue)).properties.messageId, publication.id);
      await consumer.assertQueue(topology.queue, options);
      t.same(publisher.lines, []);
    }
  });

  await t.test('of 300 concurrent events, only the events without a queue are unroutable', async (t) => {
    const topology = testTopology(t, url);
    const publisher = await publisherOn(t, url, topology);
    await publisher.ready();
    const publications = Array.from({ length: 300 }, (_, index) =>
      index % 3 === 0 ? deletedEvent() : createdEvent(),
    );
    const outcomes = await Promise.all(publications.map(publisher.publish));
    t.same(
      outcomes,
      publications.map(
        ({ event }): PublishResult => (event.type === 'users.created' ? 'routed' : 'unroutable'),
      ),
    );
    const consumer = await consumerOf(t, url);
    const { messageCount } = await consumer.checkQueue(topology.queue);
    t.equal(messageCount, 200);
    await consumer.bindQueue(topology.queue, topology.exchange, 'users.*');
    t.equal(await publisher.publish(deletedEvent()), 'routed');
  });

  await t.test('a full queue rejects the event, and the publisher stays ready', async (t) => {
    const topology = testTopology(t, url);
    const consumer = await consumerOf(t, url);
    const args = { 'x-max-length': 1, 'x-overflow': 'reject-publish' };
    await consumer.assertQueue(topology.queue, { durable: true, arguments: args });
    const publisher = await publisherOn(t, url, topology);
    await publisher.ready();
    t.equal(await publisher.publish(createdEvent()), 'routed');
    await t.rejects(publisher.publish(createdEvent()), { code: 'NACK' });
    t.ok(publisher.isReady());
  });

  await t.test('an exchange that was deleted is declared again', async (t) => {
    const topology = testTopology(t, url);
    const publisher = await publisherOn(t, url, topology);
    await publisher.ready();
    const consumer = await consumerOf(t, url);
    await consumer.deleteExchange(topology.exchange);
    await t.rejects(publisher.publish(createdEvent()), { code: 'NOT_FOUND' });
    await publisher.ready();
    t.equal(await publisher.publish(createdEvent()), 'routed');
    t.match(publisher.lines, [{ level: 'warn' }, { level: 'info' }]);
  });

  await t.test(
    'a lost connection is opened again, and the outage is logged once for each reason',
    async (t) => {
      const topology = testTopology(t, url);
      const { proxy, url: through } = await proxyTo(t, url);
      const publisher = await publisherOn(t, through, topology);
      await publisher.ready();
      proxy.refuse(true);
      proxy.cut();
      await waitUntil(async () => !publisher.isReady());
      await t.rejects(publisher.publish(createdEvent()), /unreachable/);
      await delay(1_000); // meanwhile more than one attempt to connect fails
      proxy.refuse(false);
      await publisher.ready();
      t.equal(await publisher.publish(createdEvent()), 'routed');
      t.same(publisher.lines.map(({ level }) => level).slice(0, 1), ['warn']);
      t.equal(publisher.lines.filter(({ level }) => level === 'info').length, 1);
      t.ok(publisher.lines.length <= 3, JSON.stringify(publisher.lines));
    },
  );

  await t.test(
    'the connection to a broker that hangs is replaced, and its pending events are rejected',
    async (t) => {
      const topology = testTopology(t, url);
      const { proxy, url: through } = await proxyTo(t, url);
      const publisher = await publisherOn(t, through, topology, { confirmation: 300 });
      await publisher.ready();
      proxy.pause();
      const publications = [createdEvent(), createdEvent(), createdEvent()];
      const outcomes = await Promise.allSettled(publications.map(publisher.publish));
      t.same(
        outcomes.map(({ status }) => status),
        ['rejected', 'rejected', 'rejected'],
      );
      t.notOk(publisher.isReady());
      proxy.resume();
      await publisher.ready();
      t.equal(await publisher.publish(createdEvent()), 'routed');
    },
  );

  await t.test('closing the publisher waits for pending events, for a limited time', async (t) => {
    const topology = testTopology(t, url);
    const { proxy, url: through } = await proxyTo(t, url);
    const one = await publisherOn(t, through, topology);
    await one.ready();
    const underWay = one.publish(createdEvent());
    await one.close();
    t.equal(await underWay, 'routed');
    t.notOk(one.isReady());
    await t.rejects(one.publish(createdEvent()), /unreachable/);

    const other = await publisherOn(t, through, topology, { closing: 100 });
    await other.ready();
    proxy.pause();
    const lost = t.rejects(other.publish(createdEvent()));
    await other.close();
    await lost;
    t.same([...one.lines, ...other.lines], []);
  });

  await t.test(
    'a fault that an operator must resolve is logged as an error, and the service starts',
    async (t) => {
      const wrong = new URL(url);
      wrong.password = 'hunter2';
      const stranger = await publisherOn(t, wrong.href, testTopology(t, url));
      await waitUntil(async () => stranger.lines.length > 0);
      t.match(stranger.lines, [{ level: 'error', code: 'ACCESS_REFUSED' }]);
      await t.rejects(probeBroker(wrong.href), { code: 'ACCESS_REFUSED', message: /^ACCESS_REFUSED/ });
      t.notMatch(JSON.stringify(stranger.lines), 'hunter2');

      const nowhere = new URL(url);
      nowhere.pathname = '/no-such-vhost';
      const lost = await publisherOn(t, nowhere.href, testTopology(t, url));
      await waitUntil(async () => lost.lines.length > 0);
      t.match(lost.lines, [{ level: 'error', code: /NOT_ALLOWED|ACCESS_REFUSED/ }]);

      const topology = testTopology(t, url);
      const consumer = await consumerOf(t, url);
      await consumer.assertExchange(topology.exchange, 'fanout', { durable: true });
      const conflict = await publisherOn(t, url, topology);
      await waitUntil(async () => conflict.lines.length > 0);
      t.match(conflict.lines, [{ level: 'error', code: 'PRECONDITION_FAILED' }]);
      await consumer.deleteExchange(topology.exchange);
      await conflict.ready();
      t.match(conflict.lines, [{ level: 'error' }, { level: 'info' }], 'after the fault was resolved');

      const locked = testTopology(t, url);
      const owner = await consumerOf(t, url);
      await owner.assertQueue(locked.queue, { exclusive: true });
      const refused = await publisherOn(t, url, locked);
      await waitUntil(async () => refused.lines.length > 0);
      t.match(refused.lines, [{ level: 'error', code: 'RESOURCE_LOCKED' }]);
      await refused.close();
      await owner.deleteQueue(locked.queue);
    },
  );
});

/** For each alarm, the command that makes a broker block its publishers, and the command that ends the alarm. */
const ALARMS = {
  memory: [
    ['set_vm_memory_high_watermark', '0'],
    ['set_vm_memory_high_watermark', '0.4'],
  ],
  disk: [
    ['set_disk_free_limit', '1000000GB'],
    ['set_disk_free_limit', '1MB'],
  ],
} as const;

t.test('a broker that blocks publishers keeps its connection, and is logged once', async (t) => {
  if (!requirePrivateRabbit(t)) return;
  const rabbit = await startPrivateRabbit(t);
  const topology = { exchange: 'kinship', queue: 'users.created' };
  const publisher = await publisherOn(t, rabbit.url, topology, { confirmation: 1_000 });
  await publisher.ready();
  const connections = () => rabbit.control('list_connections', '--silent', 'pid', 'name');
  const own = await connections();
  for (const [alarm, [begin, end]] of Object.entries(ALARMS)) {
    publisher.lines.length = 0;
    await rabbit.control(...begin);
    await t.rejects(publisher.publish(createdEvent()), /did not confirm/, alarm);
    t.notOk(publisher.isReady(), alarm);
    await delay(2_000); // a lost connection would be open again by now
    t.notOk(publisher.isReady(), alarm);
    t.match(publisher.lines, [{ level: 'warn', message: /blocks publishers/ }], alarm);
    t.equal(await connections(), own, `${alarm}: the connection is the same one`);
    await rabbit.control(...end);
    await publisher.ready();
    t.equal(await publisher.publish(createdEvent()), 'routed', alarm);
    t.match(publisher.lines, [{ level: 'warn' }, { level: 'info', message: /accepts events again/ }], alarm);
    t.equal(publisher.lines.length, 2, alarm);
    t.equal(await connections(), own, alarm);
  }

  publisher.lines.length = 0;
  const { memory, disk } = ALARMS;
  for (const [begin] of [memory, disk]) await rabbit.control(...begin);
  await t.rejects(publisher.publish(createdEvent()), /did not confirm/, 'two alarms at once');
  await rabbit.control(...memory[1]);
  await delay(1_000); // within this time a broker that accepts messages again reports it
  t.notOk(publisher.isReady(), 'the other alarm continues');
  await rabbit.control(...disk[1]);
  await publisher.ready();
  t.equal(await publisher.publish(createdEvent()), 'routed');
  t.equal(publisher.lines.length, 2, 'two alarms are reported once');
  t.equal(await connections(), own);
});

t.test('a broker that refuses the events of the user is logged with its reason', async (t) => {
  if (!requirePrivateRabbit(t)) return;
  const rabbit = await startPrivateRabbit(t);
  const topology = { exchange: 'kinship', queue: 'users.created' };
  const url = new URL(rabbit.url);
  [url.username, url.password] = ['crm', 'secret'];
  await rabbit.control('add_user', 'crm', 'secret');
  const permit = (writable: string) => rabbit.control('set_permissions', 'crm', '.*', writable, '^kinship$');

  const owner = await publisherOn(t, rabbit.url, topology);
  await owner.ready();

  await permit('^users.created$');
  await t.rejects(probeBroker(url.href), { code: 'ACCESS_REFUSED' });
  const publisher = await publisherOn(t, url.href, topology);
  await delay(2_000); // several attempts to connect
  t.notOk(publisher.isReady());
  t.match(publisher.lines, [{ level: 'error', code: 'ACCESS_REFUSED' }]);
  t.equal(publisher.lines.length, 1);

  await permit('^(kinship|users.created)$');
  await publisher.ready();
  t.equal(await publisher.publish(createdEvent()), 'routed');

  await rabbit.control('set_topic_permissions', 'crm', 'kinship', '^users.deleted$', '.*');
  const other = await publisherOn(t, url.href, topology); // an open channel keeps its permissions
  await other.ready();
  const refused = await Promise.allSettled([createdEvent(), createdEvent()].map(other.publish));
  t.match(refused, [{ reason: { code: 'ACCESS_REFUSED' } }, { status: 'rejected' }]);
  await waitUntil(async () => other.lines.length > 0);
  t.match(other.lines, [{ level: 'error', code: 'ACCESS_REFUSED' }]);
});

t.test('a broker that is down is logged, and the service starts', async (t) => {
  const topology = { exchange: 'none', queue: 'none' };
  const url = `amqp://127.0.0.1:${await freePort()}`;
  const publisher = await publisherOn(t, url, topology);
  t.notOk(publisher.isReady());
  await waitUntil(async () => publisher.lines.length > 0);
  t.match(publisher.lines, [{ level: 'warn', code: 'ECONNREFUSED' }]);
  await publisher.close();
});

t.test('TLS to RabbitMQ is always verified', async (t) => {
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  const topology = { exchange: 'none', queue: 'none' };

  await t.test('a certificate that does not verify stops the start', async (t) => {
    const { port, receivedChunks } = await untrustedServer(t, pem);
    for (const query of ['', '?verify=verify_none', '?rejectUnauthorized=false']) {
      const started = publisherOn(t, `amqps://me:secret@127.0.0.1:${port}${query}`, topology);
      await t.rejects(started, { message: /certificate is not trusted/, cause: { code: /SELF_SIGNED/ } });
    }
    t.equal(receivedChunks(), 0);
  });

  await t.test('a broker without TLS stops the start', async (t) => {
    const server = createTcpServer((socket) => socket.on('error', () => {}).end('AMQP\0\0\x09\x01'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    await t.rejects(publisherOn(t, `amqps://127.0.0.1:${port}`, topology), /certificate is not trusted/);
  });

  await t.test('a broker that is down does not stop the start', async (t) => {
    const publisher = await publisherOn(t, `amqps://localhost:${await freePort()}`, topology);
    t.match(publisher.lines, [{ level: 'warn', code: /ECONNREFUSED|AggregateError/ }]);
  });
});

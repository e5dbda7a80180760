import t from 'tap';
import { openConnection } from '../../src/adapters/amqp/broker-connection.ts';
import { parseBrokerUrl } from '../../src/adapters/amqp/broker-url.ts';
import { TOPOLOGY } from '../../src/adapters/amqp/topology.ts';
import { fakeBroker, shortText } from '../support/fake-broker.ts';
import { waitUntil } from '../support/wait-until.ts';

/** The methods `connection.blocked` and `connection.unblocked` of RabbitMQ. */
const [BLOCKED, UNBLOCKED] = ['10.60', '10.61'] as const;

t.test(
  'the connection to a broker that never answers the declaration ends, although the broker answers other methods',
  async (t) => {
    const broker = await fakeBroker(t, { declares: false });
    const stop = new AbortController().signal;
    const opened = openConnection(parseBrokerUrl(broker.url), TOPOLOGY, {
      stop,
      onBlocked: () => {},
      deadline: 500,
    });
    await t.rejects(opened, {
      message: 'RabbitMQ did not declare the exchange and the queue within 500 ms.',
    });
  },
);

t.test('repeated alarms of a broker are logged once, and their end is logged once', async (t) => {
  const broker = await fakeBroker(t, { declares: true });
  const reports: (string | null)[] = [];
  const connection = await openConnection(parseBrokerUrl(broker.url), TOPOLOGY, {
    stop: new AbortController().signal,
    onBlocked: (reason) => void reports.push(reason),
  });
  t.teardown(() => connection.abandon(new Error('The test ended.')));
  t.ok(connection.isReady());
  const expected: (string | null)[] = [];
  for (const reasons of [
    ['low on memory', 'low on disk', 'low on memory'],
    ['low on disk', 'low on disk'],
  ]) {
    for (const reason of reasons) broker.send(BLOCKED, shortText(reason));
    await waitUntil(async () => !connection.isReady());
    for (const _ of reasons) broker.send(UNBLOCKED, Buffer.alloc(0));
    await waitUntil(async () => connection.isReady());
    expected.push(String(reasons[0]), null);
  }
  t.same(reports, expected);
});

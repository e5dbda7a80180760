import { randomBytes } from 'node:crypto';
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib';
import type { Test } from 'tap';
import { findRabbitServer, launchRabbit } from './private-rabbit.ts';
import { skipFor } from './skip.ts';

const LOCAL = 'amqp://127.0.0.1:5672';

interface ReceivedEvent {
  readonly id: string;
  readonly subject: string;
  readonly data: { readonly username?: string };
}

let server: Promise<string | null> | undefined;

/**
 * The URL of a broker; null if there is none. The first of: TEST_AMQP_URL, a broker on the standard port, a
 * new broker of this process. Rejects if TEST_AMQP_URL is set and cannot be used.
 */
function rabbitServer(): Promise<string | null> {
  server ??= findServer();
  return server;
}

/** The URL of a broker. If there is none, skips the test and returns null, or fails the test with CI=true. */
export async function requireRabbit(t: Pick<Test, 'plan'>): Promise<string | null> {
  const url = await rabbitServer();
  if (url === null) skipFor(t, 'RabbitMQ');
  return url;
}

/** A channel of amqplib. The service uses another library, so this is an independent consumer. */
export async function consumerOf(t: Pick<Test, 'teardown'>, url: string): Promise<ConfirmChannel> {
  const connection = await open(url);
  t.teardown(() => connection.close().catch(() => {})); // the test may have ended its broker
  return connection.createConfirmChannel();
}

/** Declares the queue as documented, and consumes it. The array grows with each event that arrives. */
export async function eventsFrom(channel: ConfirmChannel, queue = 'users.created'): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  await channel.assertQueue(queue, { durable: true });
  const take = (message: ConsumeMessage | null) => {
    if (message !== null) events.push(JSON.parse(message.content.toString()));
  };
  await channel.consume(queue, take, { noAck: true });
  return events;
}

/** Unique names of an exchange and a queue. Both are deleted with the test. */
export function testTopology(t: Pick<Test, 'teardown'>, url: string) {
  const exchange = `kinship_test_${randomBytes(8).toString('hex')}`;
  const queue = `${exchange}.users.created`;
  t.teardown(async () => {
    const connection = await open(url);
    const channel = await connection.createChannel();
    await channel.deleteQueue(queue);
    await channel.deleteExchange(exchange);
    await connection.close();
  });
  return { exchange, queue };
}

async function open(url: string): Promise<ChannelModel> {
  const connection = await connect(url);
  connection.on('error', () => {}); // the test may kill the broker
  return connection;
}

async function findServer(): Promise<string | null> {
  const given = process.env.TEST_AMQP_URL;
  if (given) {
    await (await open(given)).close();
    return given;
  }
  const answers = await open(LOCAL).then(
    async (connection) => {
      await connection.close();
      return true;
    },
    () => false,
  );
  if (answers) return LOCAL;
  return findRabbitServer() === null ? null : (await launchRabbit()).url;
}

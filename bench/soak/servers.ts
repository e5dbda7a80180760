import { serveMail } from '../../test/support/mail-server.ts';
import { findRabbitServer, startPrivateRabbit } from '../../test/support/private-rabbit.ts';
import { consumerOf } from '../../test/support/rabbit.ts';

/** The exchange and the queue for new users, which the service declares. */
const EXCHANGE = 'kinship';
const QUEUE = 'users.created';

/** The mail server and the broker of the service. */
export interface Servers {
  /** The environment with which the service finds these servers. */
  readonly env: Readonly<Record<string, string>>;
  /** The numbers of mails and events that have arrived since the previous call. */
  takeCounts(): { readonly mails: number; readonly events: number };
  close(): Promise<void>;
}

export async function openServers(say: (line: string) => void): Promise<Servers> {
  const closing: (() => unknown)[] = [];
  const t = { teardown: (close: () => unknown) => void closing.push(close) };
  const mail = await serveMail(t);
  const broker = findRabbitServer() === null ? null : await startPrivateRabbit(t);
  let events = 0;
  if (broker === null) say('RABBITMQ IS NOT INSTALLED: this soak sends no events');
  else await consume(broker.url, () => (events += 1));
  return {
    env: {
      MAIL: '',
      SMTP_SERVER: '127.0.0.1',
      SMTP_PORT: String(mail.port),
      SMTP_FROM: 'auth@example.com',
      ...(broker !== null && { AMQP_URL: broker.url }),
    },
    takeCounts() {
      const counts = { mails: mail.received.length, events };
      mail.received.length = 0;
      events = 0;
      return counts;
    },
    async close() {
      for (const close of closing.toReversed()) await close();
    },
  };

  /**
   * Takes all events. An event of a type without a queue would stay in the outbox, so one more queue takes all types.
   */
  async function consume(url: string, count: () => void): Promise<void> {
    const channel = await consumerOf(t, url);
    await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, EXCHANGE, '#');
    await channel.consume(queue, count, { noAck: true });
    await channel.assertQueue(QUEUE, { durable: true });
    await channel.consume(QUEUE, () => {}, { noAck: true });
  }
}

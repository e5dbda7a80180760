import { connect as connectTcp } from 'node:net';
import { serveMail } from '../../test/support/mail-server.ts';
import { consumerOf } from '../../test/support/rabbit.ts';

const BROKER = 'amqp://127.0.0.1:5672';
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
  const hasBroker = await isListening(new URL(BROKER));
  let events = 0;
  if (hasBroker) await consume(() => (events += 1));
  else say('NO BROKER on the standard port: this soak sends no events');
  return {
    env: {
      MAIL: '',
      SMTP_SERVER: '127.0.0.1',
      SMTP_PORT: String(mail.port),
      SMTP_FROM: 'auth@example.com',
      ...(hasBroker && { AMQP_URL: BROKER }),
    },
    takeCounts() {
      const counts = { mails: mail.received.length, events };
      mail.received.length = 0;
      events = 0;
      return counts;
    },
    async close() {
      for (const close of closing) await close();
    },
  };

  /**
   * Takes all events. An event of a type without a queue would stay in the outbox, so one more queue takes all types.
   */
  async function consume(count: () => void): Promise<void> {
    const channel = await consumerOf(t, BROKER);
    await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, EXCHANGE, '#');
    await channel.consume(queue, count, { noAck: true });
    await channel.assertQueue(QUEUE, { durable: true });
    await channel.consume(QUEUE, () => {}, { noAck: true });
  }
}

function isListening({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(Number(port), hostname);
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

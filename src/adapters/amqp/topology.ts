import type { Channel, Connection } from 'rabbitmq-client';
import { errorCode } from '../../lib/errors.ts';

/** What the service declares at the broker: its exchange, and one queue that is bound to it for `users.created`. */
export interface Topology {
  readonly exchange: string;
  readonly queue: string;
}

const QUEUED_EVENT_TYPE = 'users.created';

export const TOPOLOGY: Topology = { exchange: 'kinship', queue: QUEUED_EVENT_TYPE };

/**
 * Declares exchange, queue and binding, and returns a channel with publisher confirms. An existing queue keeps its
 * arguments, so that consumers may declare it first. Rejects also if the user may not publish to the exchange.
 */
export async function declareTopology(
  connection: Connection,
  { exchange, queue }: Topology,
): Promise<Channel> {
  const open = () => connection.acquire({ emitErrorsFromChannel: true });
  const first = await open();
  await first.exchangeDeclare({ exchange, type: 'topic', durable: true });
  const channel = await first.queueDeclare({ queue, durable: true }).then(
    () => first,
    (error: unknown) => {
      if (errorCode(error) !== 'PRECONDITION_FAILED') throw error;
      return open(); // the broker closed the first channel together with its refusal
    },
  );
  await channel.queueBind({ exchange, queue, routingKey: QUEUED_EVENT_TYPE });
  await assertMayPublish(channel, exchange);
  await channel.confirmSelect();
  return channel;
}

/**
 * Rejects with `ACCESS_REFUSED` if the user may not publish to the exchange. Removes a binding that does not exist:
 * this changes nothing, and needs the permission to write.
 */
export async function assertMayPublish(channel: Channel, exchange: string): Promise<void> {
  await channel.exchangeUnbind({ destination: exchange, source: exchange, routingKey: '' });
}

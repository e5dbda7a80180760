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
 * arguments, so that consumers may declare it first.
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
  await channel.confirmSelect();
  return channel;
}

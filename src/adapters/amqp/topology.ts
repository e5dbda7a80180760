import type { Channel, Connection } from 'rabbitmq-client';
import { codeOf } from './code-of.ts';

/** What the service declares at the broker: its exchange, and the queue that a first event finds bound to it. */
export interface Topology {
  readonly exchange: string;
  readonly queue: string;
}

const FIRST_EVENT = 'users.created';

export const TOPOLOGY: Topology = { exchange: 'kinship', queue: FIRST_EVENT };

/** A channel that confirms, with everything declared. A queue that is there already is taken as it is. */
export async function declared(connection: Connection, { exchange, queue }: Topology): Promise<Channel> {
  const open = () => connection.acquire({ emitErrorsFromChannel: true });
  const first = await open();
  await first.exchangeDeclare({ exchange, type: 'topic', durable: true });
  const channel = await first.queueDeclare({ queue, durable: true }).then(
    () => first,
    (error: unknown) => {
      if (codeOf(error) !== 'PRECONDITION_FAILED') throw error;
      return open(); // the refusal has closed the first
    },
  );
  await channel.queueBind({ exchange, queue, routingKey: FIRST_EVENT });
  await channel.confirmSelect();
  return channel;
}

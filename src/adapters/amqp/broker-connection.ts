import {
  AMQPChannelError,
  type Channel,
  Connection,
  type ConnectionOptions,
  type HeaderFields,
} from 'rabbitmq-client';
import { withDeadline } from '../../lib/time.ts';
import type { PublishResult } from '../../ports/delivery/event-publisher.ts';
import { declareTopology, type Topology } from './topology.ts';

/** A message to publish. It is persistent: durable queues keep it on disk. */
export interface Message extends Pick<HeaderFields, 'type' | 'contentType' | 'timestamp' | 'headers'> {
  readonly messageId: string;
  readonly routingKey: string;
  readonly body: Buffer;
}

/** One connection to the broker. It does not reconnect. */
export interface BrokerConnection {
  /** False while the broker blocks publishers, and after the connection was closed. */
  isReady(): boolean;
  /** Whether the broker blocks publishers because it is short of memory or disk. Then it confirms no message. */
  isBlocked(): boolean;
  /** Resolves when the broker confirms or returns the message. Rejects if the connection closes first. */
  publish(message: Message): Promise<PublishResult>;
  /** Resolves with the reason when the connection closes. */
  readonly closed: Promise<unknown>;
  /** Closes the connection without the closing handshake of AMQP. */
  abandon(reason: unknown): void;
  /** Closes the connection with the closing handshake of AMQP. */
  close(): Promise<void>;
}

const TIMEOUTS = {
  /** Milliseconds, from the DNS look-up to the end of the AMQP handshake. */
  connectionTimeout: 5_000,
  /** Seconds. The driver closes a connection that has had no traffic for twice this time. */
  heartbeat: 10,
};

/** Milliseconds. A broker without a quorum answers heartbeats, but may never answer the declaration of a queue. */
const DECLARATION = 10_000;

interface ConnectionEvents {
  /** Called with the reason when the broker blocks publishers, and with null when it accepts messages again. */
  onBlocked(reason: string | null): void;
}

interface OpenOptions extends ConnectionEvents {
  readonly stop: AbortSignal;
  /** Milliseconds from the connection attempt to the end of the declaration. */
  readonly deadline?: number;
}

/** Connects and declares the topology. Rejects with the failure, or with the reason of the signal. */
export async function openConnection(
  address: ConnectionOptions,
  topology: Topology,
  { stop, onBlocked, deadline = TIMEOUTS.connectionTimeout + DECLARATION }: OpenOptions,
): Promise<BrokerConnection> {
  const connection = new Connection({ ...address, ...TIMEOUTS, connectionName: 'kinship' });
  const { closed, abandon } = closeOnError(connection);
  const onStop = () => abandon(stop.reason);
  stop.addEventListener('abort', onStop, { once: true });
  try {
    const failed = closed.then((reason) => {
      throw reason;
    });
    const declaration = Promise.race([declareTopology(connection, topology), failed]);
    const late = () =>
      new Error(`RabbitMQ did not declare the exchange and the queue within ${deadline} ms.`);
    const channel = await withDeadline(deadline, declaration, late);
    return createConnection(connection, channel, topology.exchange, { closed, abandon }, onBlocked);
  } catch (error) {
    abandon(error);
    throw error;
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

/** Destroys the connection at its first error. Otherwise the driver would reconnect by itself. */
function closeOnError(connection: Connection) {
  let abandon = (_reason: unknown) => {};
  const closed = new Promise<unknown>((resolve) => {
    abandon = (reason) => {
      resolve(withoutUndefined(reason));
      connection.unsafeDestroy();
    };
  });
  connection.on('error', abandon);
  return { closed, abandon };
}

/** Removes `undefined: `, which the driver writes before the broker's reason if the reason belongs to no method. */
export function withoutUndefined(reason: unknown): unknown {
  if (reason instanceof AMQPChannelError) reason.message = reason.message.replace(/^undefined: /, '');
  return reason;
}

function createConnection(
  connection: Connection,
  channel: Channel,
  exchange: string,
  { closed, abandon }: ReturnType<typeof closeOnError>,
  onBlocked: ConnectionEvents['onBlocked'],
): BrokerConnection {
  const returned = new Set<string>();
  let isBlocked = false;
  const setBlocked = (reason: string | null) => {
    // A broker may repeat the notice, once for each of its alarms.
    if (isBlocked === (reason !== null)) return;
    isBlocked = !isBlocked;
    onBlocked(reason);
  };
  connection.on('connection.blocked', setBlocked);
  connection.on('connection.unblocked', () => setBlocked(null));
  // A refused publication closes the channel. One turn later `publish` has abandoned the connection with the cause.
  const onChannelClosed = () => setImmediate(abandon, new Error('The channel to RabbitMQ was closed.'));
  channel.on('basic.return', ({ messageId = '' }) => returned.add(messageId));
  channel.on('error', abandon);
  channel.once('close', onChannelClosed);
  return {
    isReady: () => connection.ready && channel.active && !isBlocked,
    isBlocked: () => isBlocked,
    async publish({ body, ...properties }) {
      try {
        await channel.basicPublish({ exchange, mandatory: true, durable: true, ...properties }, body);
      } catch (error) {
        if (error instanceof AMQPChannelError) abandon(error);
        throw error;
      }
      // The broker confirms returned messages too. The driver emits the return one turn after the confirmation.
      await new Promise(setImmediate);
      return returned.delete(properties.messageId) ? 'unroutable' : 'routed';
    },
    closed,
    abandon,
    async close() {
      channel.off('close', onChannelClosed);
      await channel.close();
      await connection.close();
    },
  };
}

import { type Channel, Connection, type ConnectionOptions, type HeaderFields } from 'rabbitmq-client';
import type { Published } from '../../ports/delivery/event-publisher.ts';
import { declared, type Topology } from './topology.ts';

/** Kept on disk by the queues that it gets to. */
export interface Message extends Pick<HeaderFields, 'type' | 'contentType' | 'timestamp' | 'headers'> {
  readonly messageId: string;
  readonly routingKey: string;
  readonly body: Buffer;
}

/** One connection to the broker, from its opening to its end. */
export interface Link {
  /** False while the broker blocks publishers, and once the link is over. */
  isReady(): boolean;
  /** Whether the broker blocks publishers: it is short of memory or disk. It confirms nothing meanwhile. */
  isBlocked(): boolean;
  /** Resolves with the broker's word on the message; rejects if the link is gone before. */
  publish(message: Message): Promise<Published>;
  /** Resolves, with the reason, when the link is gone. It does not come back. */
  readonly over: Promise<unknown>;
  /** Ends it at once. */
  abandon(reason: unknown): void;
  /** Ends it as the protocol has it. */
  close(): Promise<void>;
}

const LIMITS = {
  /** Milliseconds, from the look-up of the name to the end of the handshake. */
  connectionTimeout: 5_000,
  /** Seconds. A broker that has been silent for twice as long is given up. */
  heartbeat: 10,
};

interface LinkEvents {
  /** The broker blocks publishers for this reason; null: it takes messages again. */
  onBlocked(reason: string | null): void;
}

/** Rejects with what went wrong, or with the signal's reason. */
export async function openLink(
  address: ConnectionOptions,
  topology: Topology,
  { stop, onBlocked }: LinkEvents & { readonly stop: AbortSignal },
): Promise<Link> {
  const connection = new Connection({ ...address, ...LIMITS, connectionName: 'kinship' });
  const { over, end } = lifeOf(connection);
  const onStop = () => end(stop.reason);
  stop.addEventListener('abort', onStop, { once: true });
  try {
    const failed = over.then((reason) => {
      throw reason;
    });
    const channel = await Promise.race([declared(connection, topology), failed]);
    return linkOn(connection, channel, topology.exchange, { over, end }, onBlocked);
  } catch (error) {
    end(error);
    throw error;
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

/** The driver by itself would connect again, and would tell of the first failure alone. */
function lifeOf(connection: Connection) {
  let end = (_reason: unknown) => {};
  const over = new Promise<unknown>((resolve) => {
    end = (reason) => {
      resolve(reason);
      connection.unsafeDestroy();
    };
  });
  connection.on('error', end);
  return { over, end };
}

function linkOn(
  connection: Connection,
  channel: Channel,
  exchange: string,
  { over, end }: ReturnType<typeof lifeOf>,
  onBlocked: LinkEvents['onBlocked'],
): Link {
  const returned = new Set<string>();
  let isBlocked = false;
  const setBlocked = (reason: string | null) => {
    isBlocked = reason !== null;
    onBlocked(reason);
  };
  connection.on('connection.blocked', setBlocked);
  connection.on('connection.unblocked', () => setBlocked(null));
  const onClosed = () => end(new Error('The channel to the broker was closed.'));
  channel.on('basic.return', ({ messageId = '' }) => returned.add(messageId));
  channel.on('error', end);
  channel.once('close', onClosed);
  return {
    isReady: () => connection.ready && channel.active && !isBlocked,
    isBlocked: () => isBlocked,
    async publish({ body, ...properties }) {
      await channel.basicPublish({ exchange, mandatory: true, durable: true, ...properties }, body);
      // What goes nowhere is confirmed as well; that it came back the driver tells one turn later.
      await new Promise(setImmediate);
      return returned.delete(properties.messageId) ? 'unroutable' : 'routed';
    },
    over,
    abandon: end,
    async close() {
      channel.off('close', onClosed);
      await channel.close();
      await connection.close();
    },
  };
}

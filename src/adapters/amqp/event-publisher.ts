import { CONTENT_TYPE, toCloudEvent } from '../../domain/cloud-event.ts';
import { waitAtMost, withDeadline } from '../../lib/time.ts';
import type { EventPublisher, Publication, PublishResult } from '../../ports/delivery/event-publisher.ts';
import type { BrokerConnection } from './broker-connection.ts';
import type { Broker } from './connect.ts';

interface Options {
  /** The `source` attribute of CloudEvents. It must be the same on every replica. */
  readonly source: string;
  readonly timeouts?: Partial<Timeouts>;
}

/** Milliseconds. */
interface Timeouts {
  /** For one confirmation. Must be shorter than the lease of an outbox entry. */
  readonly confirmation: number;
  /** For pending publications, after `close` was called. */
  readonly closing: number;
}

const TIMEOUTS: Timeouts = { confirmation: 10_000, closing: 2_000 };

/** Publishes events to the exchange, with the type as routing key: persistent, mandatory and confirmed. */
export function createEventPublisher(broker: Broker, { source, timeouts }: Options): EventPublisher {
  const { confirmation, closing } = { ...TIMEOUTS, ...timeouts };
  const pending = new Set<Promise<unknown>>();
  let isClosed = false;

  return {
    isReady: () => readyConnection() !== null,

    async publish(publication) {
      const connection = readyConnection();
      if (connection === null) throw new Error('RabbitMQ is unreachable or blocks publishers.');
      const publishing = confirmInTime(connection, publishOn(connection, publication));
      pending.add(publishing);
      try {
        return await publishing;
      } finally {
        pending.delete(publishing);
      }
    },

    async close() {
      isClosed = true;
      await waitAtMost(closing, Promise.allSettled(pending));
      await broker.close();
    },
  };

  function readyConnection(): BrokerConnection | null {
    const connection = broker.connection();
    return isClosed || !connection?.isReady() ? null : connection;
  }

  function publishOn(connection: BrokerConnection, publication: Publication): Promise<PublishResult> {
    const { id, event, trace } = publication;
    return connection.publish({
      messageId: id,
      routingKey: event.type,
      type: event.type,
      contentType: CONTENT_TYPE,
      ...(trace && { headers: { ...trace } }),
      timestamp: Math.floor(event.occurredAt / 1000),
      body: Buffer.from(JSON.stringify(toCloudEvent(publication, source))),
    });
  }

  /**
   * Abandons the connection to a broker that hangs, with all its pending messages: a new connection may succeed. The
   * connection to a broker that blocks publishers is kept, because the broker would block a new one too.
   */
  function confirmInTime(
    connection: BrokerConnection,
    publishing: Promise<PublishResult>,
  ): Promise<PublishResult> {
    return withDeadline(confirmation, publishing, () => {
      const reason = new Error(`RabbitMQ did not confirm a message within ${confirmation} ms.`);
      if (!connection.isBlocked()) connection.abandon(reason);
      return reason;
    });
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { EventPublisher, Publication, Published } from '../../ports/delivery/event-publisher.ts';
import { CONTENT_TYPE, toCloudEvent } from './cloud-event.ts';
import type { Broker } from './connect.ts';
import type { Link } from './link.ts';

interface Options {
  /** Where the events come from, as CloudEvents has it: the same on every replica. */
  readonly source: string;
  readonly timeouts?: Partial<Timeouts>;
}

/** Milliseconds. */
interface Timeouts {
  /** For one confirmation: below any lease under which an event is published. */
  readonly confirmation: number;
  /** What is under way is given to finish once the publisher is closed. */
  readonly closing: number;
}

const TIMEOUTS: Timeouts = { confirmation: 10_000, closing: 2_000 };

/** Events to the service's exchange, each with its type as the routing key: persistent, mandatory and confirmed. */
export function createEventPublisher(broker: Broker, { source, timeouts }: Options): EventPublisher {
  const { confirmation, closing } = { ...TIMEOUTS, ...timeouts };
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;

  return {
    isReady: () => readyLink() !== null,

    async publish(publication) {
      const link = readyLink();
      if (link === null) throw new Error('There is no broker that takes events.');
      const publishing = confirmedInTime(link, publishOn(link, publication));
      underWay.add(publishing);
      try {
        return await publishing;
      } finally {
        underWay.delete(publishing);
      }
    },

    async close() {
      isClosed = true;
      await Promise.race([Promise.allSettled(underWay), delay(closing, undefined, { ref: false })]);
      await broker.close();
    },
  };

  function readyLink(): Link | null {
    const link = broker.link();
    return isClosed || !link?.isReady() ? null : link;
  }

  function publishOn(link: Link, publication: Publication): Promise<Published> {
    const { id, event, trace } = publication;
    return link.publish({
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
   * A broker that hangs is given up, with all that it was sent: a new connection may do better. One that blocks
   * publishers keeps its connection: a new one would be blocked, too.
   */
  async function confirmedInTime(link: Link, publishing: Promise<Published>): Promise<Published> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const reason = new Error(`The broker has confirmed nothing for ${confirmation} ms.`);
        if (!link.isBlocked()) link.abandon(reason);
        reject(reason);
      }, confirmation);
    });
    try {
      return await Promise.race([publishing, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

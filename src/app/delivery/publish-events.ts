import type { EventType } from '../../domain/events.ts';
import type { EventPublisher, Published } from '../../ports/delivery/event-publisher.ts';
import type { ClaimedEntry, Postponement } from '../../ports/stores/outbox.ts';
import type { Tracing } from '../../ports/tracing.ts';
import { traced } from '../traced.ts';
import { delayAfter } from './backoff.ts';
import { claimDue, type DeliveryDeps } from './claim-due.ts';
import { reasonOf } from './reason-of.ts';
import { createRouting, type Outcome } from './routing.ts';
import { settling } from './settle.ts';

export interface PublishEventsDeps extends DeliveryDeps {
  readonly publisher: EventPublisher;
  /** Evenly from 0 up to 1. */
  readonly random: () => number;
  readonly tracing: Tracing | null;
}

interface Attempt {
  readonly entry: ClaimedEntry;
  readonly outcome: Outcome;
  /** Of an event that stays. */
  readonly reason: string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** All are under way at once, so that even a broker that hangs is given up long before the lease is over. */
const BATCH = { limit: 500, lease: MINUTE };

const AFTER_FAILURE = { first: 1_000, longest: 5 * MINUTE };

/** Perhaps nobody ever wants them, so they must not be a burden; once one is routed, the others are hastened. */
const WHILE_UNROUTABLE = { first: 1_000, longest: 6 * HOUR };
const HASTENED_AT_ONCE = 5_000;

/** Later than any lease ends, of a replica whose clock is ahead too: what is due then was postponed. */
const POSTPONED = 2 * BATCH.lease;

/** How long an event waits for somebody who wants it. */
const KEPT = 7 * 24 * HOUR;

/**
 * Publishes the events that are due, one batch at each call, and answers how many it took up: none while there is no
 * broker. An event that the broker did not take is tried again for as long as it takes; one that no queue takes is
 * tried ever more rarely, and let go when it is a week old.
 * Rejects only if the outbox itself is at fault; one that cannot be reached counts as empty.
 */
export const publishEvents = (deps: PublishEventsDeps) => {
  const { outbox, publisher, clock, log, random, tracing, telemetry } = deps;
  const claim = claimDue(deps, 'event', BATCH);
  const { wasDelivered, settle } = settling(deps);
  const toHasten = new Set<EventType>();
  const routing = createRouting({ clock, log, onRouted: (type) => toHasten.add(type) });

  return async (): Promise<number> => {
    if (!publisher.isReady()) return 0;
    const entries = await claim();
    const attempts = await Promise.all(entries.map(attempt));
    for (const { entry, outcome, reason } of attempts) {
      routing.note(entry.event.type, outcome, reason);
      telemetry.delivered('event', outcome);
    }
    try {
      await record(attempts);
      await hasten();
    } catch (error) {
      log.warn(
        { reason: reasonOf(error) },
        'what became of events is not in the outbox: some will come twice',
      );
    }
    return entries.length;
  };

  async function attempt(entry: ClaimedEntry): Promise<Attempt> {
    if (wasDelivered(entry.id)) return { entry, outcome: 'routed', reason: '' };
    try {
      const published = await publish(entry);
      const isOld = clock() - entry.event.occurredAt > KEPT;
      const outcome = published === 'unroutable' && isOld ? 'unwanted' : published;
      return { entry, outcome, reason: 'no queue takes events of this type' };
    } catch (error) {
      return { entry, outcome: 'failed', reason: reasonOf(error) };
    }
  }

  function publish({ id, event, trace }: ClaimedEntry): Promise<Published> {
    const span = { name: `publish ${event.type}`, kind: 'producer', parent: trace } as const;
    return traced(tracing, span, () =>
      publisher.publish({ id, event, trace: tracing === null ? trace : tracing.current() }),
    );
  }

  async function record(attempts: readonly Attempt[]): Promise<void> {
    const now = clock();
    const staying = attempts.filter(({ outcome }) => outcome === 'failed' || outcome === 'unroutable');
    const leaving = attempts.filter(({ outcome }) => outcome === 'routed' || outcome === 'unwanted');
    if (staying.length > 0) await outbox.postpone(staying.map((each) => postponement(each, now)));
    if (leaving.length > 0) await settle(leaving.map(({ entry }) => entry.id));
  }

  function postponement({ entry, outcome, reason }: Attempt, now: number): Postponement {
    const backoff = outcome === 'failed' ? AFTER_FAILURE : WHILE_UNROUTABLE;
    return { id: entry.id, dueAt: now + delayAfter(entry.attempt, backoff, random), reason };
  }

  /** A part at each round: there may be a week's worth of them. */
  async function hasten(): Promise<void> {
    for (const type of toHasten) {
      const now = clock();
      const count = await outbox.hasten(type, now + POSTPONED, now, HASTENED_AT_ONCE);
      if (count < HASTENED_AT_ONCE) toHasten.delete(type);
    }
  }
};

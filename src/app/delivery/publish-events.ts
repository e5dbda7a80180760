import { DAY, HOUR, MINUTE } from '../../domain/durations.ts';
import type { EventType } from '../../domain/events.ts';
import type { EventPublisher, PublishResult } from '../../ports/delivery/event-publisher.ts';
import type { ClaimedEntry, Postponement } from '../../ports/stores/outbox.ts';
import type { Tracing } from '../../ports/tracing.ts';
import { withSpan } from '../with-span.ts';
import { createAcknowledger } from './acknowledger.ts';
import { delayAfter } from './backoff.ts';
import { claimDue, type DeliveryDeps } from './claim-due.ts';
import { reasonOf } from './reason-of.ts';
import { createRoutingTracker, type PublishOutcome } from './routing-tracker.ts';

export interface PublishEventsDeps extends DeliveryDeps {
  readonly publisher: EventPublisher;
  /** Returns numbers in [0, 1). */
  readonly random: () => number;
  readonly tracing: Tracing | null;
}

interface PublishAttempt {
  readonly entry: ClaimedEntry;
  readonly outcome: PublishOutcome;
  /** Why the event stays in the outbox. */
  readonly reason: string;
}

/** The events of a batch are published concurrently. So all attempts end before the lease even if the broker hangs. */
const BATCH = { limit: 500, lease: MINUTE };

const AFTER_FAILURE = { first: 1_000, longest: 5 * MINUTE };

/** Unroutable events are retried rarely, to save load. Once a type is routed again, its events become due at once. */
const WHILE_UNROUTABLE = { first: 1_000, longest: 6 * HOUR };
const MADE_DUE_AT_ONCE = 5_000;

/**
 * Milliseconds. An event that is due more than this time from now is postponed and not claimed: every lease ends
 * earlier, even with clock skew.
 */
const POSTPONED_AFTER = 2 * BATCH.lease;

/**
 * An unroutable event is dropped at this age, but not before this attempt, which comes after some hours. Events that
 * are old because the broker was down wait this long for the queues of the consumers.
 */
const DROPPED_AFTER = { age: 7 * DAY, attempts: 15 };

/**
 * Publishes one batch of due events at each call, and returns the number of claimed events. Returns 0 while the broker
 * is unreachable. A failed event is retried without a limit. An unroutable event is retried with growing delays and
 * dropped after a week. Rejects only on a fault in the outbox; an unavailable database counts as an empty outbox.
 */
export const publishEvents = (deps: PublishEventsDeps) => {
  const { outbox, publisher, clock, log, random, tracing, telemetry } = deps;
  const claim = claimDue(deps, 'event', BATCH);
  const { wasDelivered, acknowledge } = createAcknowledger(deps);
  const routable = new Set<EventType>();
  const routing = createRoutingTracker({ clock, log, onRoutable: (type) => routable.add(type) });

  return async (): Promise<number> => {
    if (!publisher.isReady()) return 0;
    const entries = (await claim()) ?? [];
    const attempts = await Promise.all(entries.map(attempt));
    for (const { entry, outcome, reason } of attempts) {
      routing.note(entry.event.type, outcome, reason);
      telemetry.deliveryEnded('event', outcome);
    }
    try {
      await record(attempts);
      await makeRoutableDue();
    } catch (error) {
      log.warn(
        { reason: reasonOf(error) },
        'results of publishing not recorded in the outbox; some events may be sent twice',
      );
    }
    return entries.length;
  };

  async function attempt(entry: ClaimedEntry): Promise<PublishAttempt> {
    if (wasDelivered(entry.id)) return { entry, outcome: 'routed', reason: '' };
    try {
      const published = await publish(entry);
      const outcome = published === 'unroutable' && isUnwanted(entry) ? 'unwanted' : published;
      return { entry, outcome, reason: 'no queue takes events of this type' };
    } catch (error) {
      return { entry, outcome: 'failed', reason: reasonOf(error) };
    }
  }

  function isUnwanted({ event, attempt }: ClaimedEntry): boolean {
    return clock() - event.occurredAt > DROPPED_AFTER.age && attempt >= DROPPED_AFTER.attempts;
  }

  function publish({ id, event, trace }: ClaimedEntry): Promise<PublishResult> {
    const span = { name: `publish ${event.type}`, kind: 'producer', parent: trace } as const;
    return withSpan(tracing, span, () =>
      publisher.publish({ id, event, trace: tracing === null ? trace : tracing.current() }),
    );
  }

  async function record(attempts: readonly PublishAttempt[]): Promise<void> {
    const now = clock();
    const staying = attempts.filter(({ outcome }) => outcome === 'failed' || outcome === 'unroutable');
    const leaving = attempts.filter(({ outcome }) => outcome === 'routed' || outcome === 'unwanted');
    // First, so that this process sends no routed event again, even if the other statement fails.
    if (leaving.length > 0) await acknowledge(leaving.map(({ entry }) => entry.id));
    if (staying.length > 0) await outbox.postpone(staying.map((each) => postponement(each, now)));
  }

  function postponement({ entry, outcome, reason }: PublishAttempt, now: number): Postponement {
    const isUnroutable = outcome === 'unroutable';
    const backoff = isUnroutable ? WHILE_UNROUTABLE : AFTER_FAILURE;
    const dueAt = now + delayAfter(entry.attempt, backoff, random);
    return { id: entry.id, dueAt, reason, ...(isUnroutable && { isUnroutable }) };
  }

  /** Limited in each round, because the events of a whole week may wait. */
  async function makeRoutableDue(): Promise<void> {
    for (const type of routable) {
      const now = clock();
      const count = await outbox.makeDue(type, now + POSTPONED_AFTER, now, MADE_DUE_AT_ONCE);
      if (count < MADE_DUE_AT_ONCE) routable.delete(type);
    }
  }
};

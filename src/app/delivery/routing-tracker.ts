import { HOUR } from '../../domain/durations.ts';
import type { EventType } from '../../domain/events.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PublishResult } from '../../ports/delivery/event-publisher.ts';
import type { Log } from '../../ports/log.ts';

/** The result of an attempt to publish. `unwanted`: unroutable for so long that the event is dropped. */
export type PublishOutcome = PublishResult | 'unwanted' | 'failed';

interface Options {
  readonly clock: Clock;
  readonly log: Log;
  /** Called at the first routed event of a type after the start, or after an unroutable event. */
  onRoutable(type: EventType): void;
}

/** Milliseconds between two log lines about dropped events. */
const REMINDER = HOUR;

/**
 * Tracks the results of publishing by event type. For each type, logs each of these changes once: its events are not
 * published (again only for a new reason), no queue takes them, they are published again, they are routed again.
 * Dropped events are logged once an hour, with their number.
 */
export const createRoutingTracker = ({ clock, log, onRoutable }: Options) => {
  const routed = new Set<EventType>();
  const returned = new Map<EventType, number>();
  const failing = new Map<EventType, string>();
  const dropped = new Map<EventType, { count: number; loggedAt: number }>();

  return {
    /** `reason`: why the event stays in the outbox. */
    note(type: EventType, outcome: PublishOutcome, reason: string): void {
      if (outcome === 'routed') noteRouted(type);
      if (outcome === 'failed') noteFailed(type, reason);
      if (outcome === 'unroutable') noteUnroutable(type);
      if (outcome === 'unwanted') noteDropped(type);
    },
  };

  function noteFailed(type: EventType, reason: string): void {
    if (failing.get(type) !== reason)
      log.warn({ type, reason }, 'an event of this type was not published; trying again later');
    failing.set(type, reason);
  }

  function noteRouted(type: EventType): void {
    if (failing.delete(type)) log.info({ type }, 'events of this type are published again');
    if (routed.has(type)) return;
    routed.add(type);
    const count = returned.get(type);
    if (count !== undefined) log.info({ type, returned: count }, 'events of this type are routed again');
    returned.delete(type);
    onRoutable(type);
  }

  function noteUnroutable(type: EventType): void {
    if (!returned.has(type))
      log.warn(
        { type },
        'no queue takes events of this type; they wait a week. Bind a queue to receive them: docs/events.md',
      );
    returned.set(type, (returned.get(type) ?? 0) + 1);
    routed.delete(type);
  }

  function noteDropped(type: EventType): void {
    const { count, loggedAt } = dropped.get(type) ?? { count: 0, loggedAt: Number.NEGATIVE_INFINITY };
    const now = clock();
    const isDue = now - loggedAt >= REMINDER;
    if (isDue) log.warn({ type, count: count + 1 }, 'unroutable events dropped after a week; bind a queue');
    dropped.set(type, isDue ? { count: 0, loggedAt: now } : { count: count + 1, loggedAt });
  }
};

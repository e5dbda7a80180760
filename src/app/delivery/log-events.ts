import { DAY, MINUTE } from '../../domain/durations.ts';
import { subjectOf } from '../../domain/events.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { createRemoval, REMOVAL_BATCH } from '../upkeep/removal.ts';
import { claimDue, type DeliveryDeps } from './claim-due.ts';

interface LogEventsDeps extends DeliveryDeps {
  readonly telemetry: Pick<Telemetry, 'deliveryEnded' | 'removalFailed'>;
}

/**
 * Each event is logged once, because its removal comes before the end of the lease. The removal comes more than an hour
 * before that end: in the last hour of its lease an event would count as waiting, see {@link Outbox.backlog}.
 */
const BATCH = { limit: 100, lease: DAY + 90 * MINUTE };

/** Milliseconds from a removal that removed no events to the next removal. */
const REMOVAL_INTERVAL = 10 * MINUTE;

/**
 * Replaces publishing where no broker is configured: logs each event by type and id, and removes it from the outbox
 * after a day. Each call logs one batch. If that batch is not full, the call also removes one batch of old events.
 * After a removal that removed none, the next removal comes ten minutes later. Returns the number of logged and removed
 * events.
 */
export const logEvents = (deps: LogEventsDeps) => {
  const { outbox, telemetry, clock, log } = deps;
  const claim = claimDue(deps, 'event', BATCH);
  const remove = createRemoval(deps, {
    removal: 'events',
    remove: () => outbox.forget('event', clock() - DAY, REMOVAL_BATCH),
  });
  let foundNoneAt = Number.NEGATIVE_INFINITY;

  return async (): Promise<number> => {
    const entries = await claim();
    if (entries === null) return 0;
    for (const { id, event } of entries) {
      log.info({ eventId: id, type: event.type, ...subjectOf(event) }, 'event');
      telemetry.deliveryEnded('event', 'logged');
    }
    // A full batch may have left due events. They stay until they are logged, even if they are older than a day.
    const removed = entries.length < BATCH.limit ? await removeOld() : 0;
    return entries.length + removed;
  };

  async function removeOld(): Promise<number> {
    const now = clock();
    if (Math.abs(now - foundNoneAt) < REMOVAL_INTERVAL) return 0;
    const removed = await remove();
    if (removed === 0) foundNoneAt = now;
    return removed;
  }
};

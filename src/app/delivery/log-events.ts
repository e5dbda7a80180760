import { concernedBy } from '../../domain/events.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { claimDue, type DeliveryDeps } from './claim-due.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Leased for longer than an event stays, so that it is logged once. */
const BATCH = { limit: 100, lease: DAY + 60 * MINUTE };

/** Milliseconds between two looks for events that have stayed for a day. */
const CLEARING = 10 * MINUTE;

/**
 * Where there is nobody to send events to: logs each by type and id, and lets it leave the outbox after a day.
 * Each call takes one batch and answers how many it logged.
 */
export const logEvents = (deps: DeliveryDeps) => {
  const { outbox, telemetry, clock, log } = deps;
  const claim = claimDue(deps, 'event', BATCH);
  let clearedAt = Number.NEGATIVE_INFINITY;

  return async (): Promise<number> => {
    const entries = await claim();
    for (const { id, event } of entries) {
      log.info({ eventId: id, type: event.type, ...concernedBy(event) }, 'event');
      telemetry.delivered('event', 'logged');
    }
    // What was not logged yet stays, however old it is.
    if (entries.length < BATCH.limit) await clear();
    return entries.length;
  };

  async function clear(): Promise<void> {
    const now = clock();
    if (Math.abs(now - clearedAt) < CLEARING) return;
    try {
      await outbox.forget('event', now - DAY);
      clearedAt = now;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error; // away: the claim has said so, or will
    }
  }
};

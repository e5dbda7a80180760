import { waitAtMost } from '../../../lib/time.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Backlog, Outbox } from '../../../ports/stores/outbox.ts';
import type { DeliveryBacklog, WebhookDeliveries } from '../../../ports/stores/webhook-deliveries.ts';
import type { Instruments } from './instruments.ts';

/** Milliseconds for which a result is reused. So several scrapers cause no more queries than one scraper. */
const MAX_AGE = 5_000;

/** Milliseconds that a scrape waits for the database. */
const TIMEOUT = 1_000;

/**
 * Creates the gauges of the outbox and of webhook deliveries, and returns a function that updates them. The function
 * never rejects. While the database does not answer in time, these gauges are absent and `kinship_database_up` is 0.
 */
export function createBacklogGauges(
  { sharedGauge }: Instruments,
  {
    outbox,
    webhookDeliveries,
    publishesEvents,
    clock,
  }: {
    readonly outbox: Pick<Outbox, 'backlog'>;
    readonly webhookDeliveries: Pick<WebhookDeliveries, 'backlog'>;
    /** False without a broker: logged events stay in the outbox for a day, and do not count as postponed. */
    readonly publishesEvents: boolean;
    readonly clock: Clock;
  },
): () => Promise<void> {
  const up = sharedGauge(
    'kinship_database_up',
    'Whether the database answered the query of the last scrape.',
    'min',
  );
  const waiting = sharedGauge(
    'kinship_outbox_entries',
    'Outbox entries that wait for delivery.',
    'max',
    'kind',
  );
  const age = sharedGauge(
    'kinship_outbox_oldest_entry_age_seconds',
    'Age of the oldest waiting entry.',
    'max',
    'kind',
  );
  const postponed = sharedGauge(
    'kinship_outbox_postponed_entries',
    'Outbox entries whose next attempt is more than an hour away, and events that no queue took.',
    'max',
    'kind',
  );
  const webhooks = sharedGauge(
    'kinship_webhook_deliveries_pending',
    'Waiting deliveries to enabled endpoints.',
    'max',
  );
  const overdue = sharedGauge(
    'kinship_webhook_oldest_due_age_seconds',
    'How long the longest due delivery to an endpoint has waited.',
    'max',
  );
  let queriedAt = Number.NEGATIVE_INFINITY;
  let result: Promise<() => void> = Promise.resolve(clearGauges);

  return async () => {
    if (performance.now() - queriedAt > MAX_AGE) {
      queriedAt = performance.now();
      result = query();
    }
    const update = (await waitAtMost(TIMEOUT, result)) ?? clearGauges;
    update();
  };

  async function query(): Promise<() => void> {
    try {
      const now = clock();
      const backlogs = await outbox.backlog(now);
      const deliveries = await webhookDeliveries.backlog(now);
      return () => setGauges(backlogs, deliveries, now);
    } catch {
      return clearGauges;
    }
  }

  function setGauges(backlogs: readonly Backlog[], deliveries: DeliveryBacklog, now: number): void {
    up.set(1);
    webhooks.set(deliveries.pending);
    overdue.set(secondsSince(deliveries.oldestDueAt, now));
    for (const { kind, count, oldestAt, postponed: later } of backlogs) {
      waiting.set({ kind }, count);
      postponed.set({ kind }, kind === 'event' && !publishesEvents ? 0 : later);
      age.set({ kind }, secondsSince(oldestAt, now));
    }
  }

  function clearGauges(): void {
    up.set(0);
    waiting.reset();
    postponed.reset();
    age.reset();
    webhooks.remove();
    overdue.remove();
  }
}

function secondsSince(time: number | null, now: number): number {
  return time === null ? 0 : Math.max(0, now - time) / 1000;
}

import type { Removal, Telemetry } from '../../../ports/telemetry.ts';
import type { Instruments } from './instruments.ts';

/** Creates the counter of attempts, and returns the function that counts one attempt. */
export function createDeliveryCounter({ counter }: Instruments): Telemetry['deliveryEnded'] {
  const deliveries = counter(
    'kinship_deliveries_total',
    'Attempts to deliver entries of the outbox.',
    'kind',
    'outcome',
  );
  for (const outcome of ['sent', 'held', 'postponed', 'dead_letter'])
    deliveries.inc({ kind: 'mail', outcome }, 0);
  for (const outcome of ['routed', 'unroutable', 'failed']) deliveries.inc({ kind: 'event', outcome }, 0);

  return (kind, outcome) => deliveries.inc({ kind, outcome });
}

const REMOVALS: readonly Removal[] = [
  'mails',
  'events',
  'links',
  'sessions',
  'mail_budgets',
  'devices',
  'login_challenges',
  'audit_events',
  'webhook_deliveries',
];

/** Creates the counter of failed removals, and returns the function that counts one. */
export function createFailedRemovalCounter({ counter }: Instruments): Telemetry['removalFailed'] {
  const failed = counter(
    'kinship_removals_failed_total',
    'Batches of old rows that were not removed.',
    'removal',
  );
  for (const removal of REMOVALS) failed.inc({ removal }, 0);

  return (removal) => failed.inc({ removal });
}

import type { DeliveryKind } from '../../../ports/stores/outbox.ts';
import type { OutboxOutcome, Removal, Telemetry } from '../../../ports/telemetry.ts';
import type { Instruments } from './instruments.ts';

/** The kind of the entries that have the outcome. */
const OUTCOMES: Readonly<Record<OutboxOutcome, DeliveryKind>> = {
  sent: 'mail',
  held: 'mail',
  postponed: 'mail',
  dead_letter: 'mail',
  unaddressed: 'mail',
  routed: 'event',
  unroutable: 'event',
  unwanted: 'event',
  failed: 'event',
  logged: 'event',
};

/** Creates the counter of attempts, and returns the function that counts one attempt. */
export function createDeliveryCounter({ counter }: Instruments): Telemetry['deliveryEnded'] {
  const deliveries = counter(
    'kinship_deliveries_total',
    'Attempts to deliver entries of the outbox.',
    'kind',
    'outcome',
  );
  for (const [outcome, kind] of Object.entries(OUTCOMES)) deliveries.inc({ kind, outcome }, 0);

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

import type { Telemetry } from '../../../ports/telemetry.ts';
import type { Instruments } from './instruments.ts';

export function countDeliveries({ counter }: Instruments): Telemetry['delivered'] {
  const deliveries = counter(
    'kinship_deliveries_total',
    'Attempts to deliver what the outbox holds.',
    'kind',
    'outcome',
  );
  for (const outcome of ['sent', 'held', 'postponed', 'buried']) deliveries.inc({ kind: 'mail', outcome }, 0);
  for (const outcome of ['routed', 'unroutable', 'failed']) deliveries.inc({ kind: 'event', outcome }, 0);

  return (kind, outcome) => deliveries.inc({ kind, outcome });
}

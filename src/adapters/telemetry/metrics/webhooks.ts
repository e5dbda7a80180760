import { DELIVERY_FORMATS } from '../../../domain/webhooks.ts';
import type { Telemetry, WebhookOutcome } from '../../../ports/telemetry.ts';
import type { Instruments } from './instruments.ts';

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const OUTCOMES: readonly WebhookOutcome[] = ['delivered', 'postponed', 'refused', 'exhausted'];

/** Creates the metrics of webhooks. They have no label for endpoints: operators see each endpoint in the admin API. */
export function createWebhookMetrics({
  counter,
  histogram,
}: Instruments): Pick<Telemetry, 'webhookAttempted' | 'webhookDisabled'> {
  const attempts = counter(
    'kinship_webhook_attempts_total',
    'Attempts to deliver an event to an endpoint.',
    'format',
    'outcome',
  );
  const duration = histogram(
    'kinship_webhook_attempt_duration_seconds',
    'Duration of an attempt to deliver an event to an endpoint.',
    SECONDS,
    'format',
  );
  const disabled = counter(
    'kinship_webhook_endpoints_disabled_total',
    'Endpoints that were disabled because they are gone or dead.',
    'reason',
  );
  for (const format of DELIVERY_FORMATS) for (const outcome of OUTCOMES) attempts.inc({ format, outcome }, 0);
  for (const reason of ['gone', 'dead']) disabled.inc({ reason }, 0);

  return {
    webhookAttempted(format, outcome, milliseconds) {
      attempts.inc({ format, outcome });
      duration.observe({ format }, milliseconds / 1000);
    },
    webhookDisabled: (reason) => disabled.inc({ reason }),
  };
}

import { DPOP_FAULTS } from '../../../domain/dpop.ts';
import type { Telemetry } from '../../../ports/telemetry.ts';
import type { Instruments } from './instruments.ts';

/** Bucket bounds in seconds: from a tenth of a second (concurrent tabs) to one week (a stolen token). */
const AGES = [0.1, 1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800];

type SessionTelemetry = Omit<
  Telemetry,
  'deliveryEnded' | 'removalFailed' | 'webhookAttempted' | 'webhookDisabled'
>;

/** Creates the metrics of logins, registrations and refreshes. */
export function createSessionMetrics({ counter, histogram }: Instruments): SessionTelemetry {
  const logins = counter('auth_logins_success_total', 'Sessions that were opened.');
  const loginsFailed = counter('auth_logins_failed_total', 'Logins that failed.', 'reason');
  const registers = counter('auth_registers_success_total', 'Accounts that were created.');
  const registersFailed = counter('auth_registers_failed_total', 'Registrations that failed.', 'reason');
  const refreshes = counter('auth_refresh_success_total', 'Refreshes answered with a pair.');
  const refreshesFailed = counter('auth_refresh_failed_total', 'Refreshes that failed.', 'reason');
  const outcomes = counter('kinship_refreshes_total', 'Refreshes by outcome.', 'outcome');
  const reuse = counter('kinship_reuse_detected_total', 'Sessions ended because a rotated token came back.');
  const proofs = counter('kinship_dpop_refused_total', 'DPoP proofs that were not accepted.', 'reason');
  const unshared = counter(
    'kinship_dpop_unshared_total',
    'DPoP proofs accepted by one process alone, because Redis was unavailable.',
  );
  const limited = counter('kinship_limited_total', 'Actions refused by a limit.', 'action');
  const ages = histogram(
    'kinship_replayed_token_age_seconds',
    'Time from the last rotation of a session until a rotated token was presented again.',
    AGES,
    'answer',
  );
  for (const reason of DPOP_FAULTS) proofs.inc({ reason }, 0);
  for (const outcome of ['rotated', 'repeated', 'healed']) outcomes.inc({ outcome }, 0);

  function countRefresh(outcome: string): void {
    refreshes.inc();
    outcomes.inc({ outcome });
  }
  const breachSearchesFailed = counter(
    'kinship_breach_searches_failed_total',
    'New passwords that passed because breached passwords could not be searched.',
  );

  return {
    loginEnded: (fault) => (fault === null ? logins.inc() : loginsFailed.inc({ reason: fault })),
    registrationEnded: (fault) => (fault === null ? registers.inc() : registersFailed.inc({ reason: fault })),
    rotated: () => countRefresh('rotated'),
    healed: () => countRefresh('healed'),
    reissued(age) {
      countRefresh('repeated');
      ages.observe({ answer: 'repeated' }, secondsOf(age));
    },
    refreshRefused(fault) {
      refreshesFailed.inc({ reason: fault });
      outcomes.inc({ outcome: fault });
    },
    reuseDetected(age) {
      reuse.inc();
      ages.observe({ answer: 'reused' }, secondsOf(age));
    },
    dpopRefused: (reason) => proofs.inc({ reason }),
    dpopUnshared: () => unshared.inc(),
    breachSearchFailed: () => breachSearchesFailed.inc(),
    limitReached: (action) => limited.inc({ action }),
  };
}

/** Never negative: the clocks of replicas differ, so a replay may seem to precede the rotation. */
function secondsOf(age: number): number {
  return Math.max(0, age) / 1000;
}

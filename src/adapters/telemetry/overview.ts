import type { Counts, DependencyState, Readings } from '../../ports/overview.ts';
import type { Samples } from './metrics/add-up.ts';

/** Reads the counts and states of the overview from metrics. */
export function readingsOf(samples: Samples): Readings {
  return { counts: countsOf(samples), connections: connectionsOf(samples) };
}

interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
}

function valuesOf(samples: Samples, metric: string): readonly Value[] {
  return (samples.find(({ name }) => name === metric)?.values ?? []) as readonly Value[];
}

function countsOf(samples: Samples): Counts {
  const sum = (metric: string) => valuesOf(samples, metric).reduce((total, { value }) => total + value, 0);
  const waiting = (kind: string) =>
    valuesOf(samples, 'kinship_outbox_entries').find(({ labels }) => labels.kind === kind)?.value ?? null;
  const [deliveries] = valuesOf(samples, 'kinship_webhook_deliveries_pending');
  const isDatabaseUp = sum('kinship_database_up') > 0;
  return {
    logins: sum('auth_logins_success_total'),
    refreshes: sum('auth_refresh_success_total'),
    refusals: {
      ...refusalsOf(samples, 'auth_logins_failed_total', 'login'),
      ...refusalsOf(samples, 'auth_refresh_failed_total', 'refresh'),
    },
    mailsWaiting: isDatabaseUp ? waiting('mail') : null,
    eventsWaiting: isDatabaseUp ? waiting('event') : null,
    deliveriesWaiting: isDatabaseUp ? (deliveries?.value ?? null) : null,
  };
}

function refusalsOf(samples: Samples, metric: string, operation: string): Record<string, number> {
  return Object.fromEntries(
    valuesOf(samples, metric).map(({ labels, value }) => [`${operation} ${labels.reason}`, value]),
  );
}

function connectionsOf(samples: Samples): DependencyState[] {
  const feed = valuesOf(samples, 'kinship_revocation_feed_complete').map(({ value }) => ({
    name: 'revocations of other replicas',
    isUp: value === 1,
  }));
  const others = valuesOf(samples, 'kinship_dependency_up').map(({ labels, value }) => ({
    name: String(labels.dependency),
    isUp: value === 1,
  }));
  return [...feed, ...others];
}

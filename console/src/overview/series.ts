/** The counts of the service at one moment, as the admin API describes them. Null: not known. */
export interface Sample {
  readonly at: string;
  readonly logins: number;
  readonly refreshes: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly sessions: number | null;
  readonly mailsWaiting: number | null;
  readonly eventsWaiting: number | null;
  readonly deliveriesWaiting: number | null;
}

/** A value at a moment, in milliseconds. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Ten seconds, in milliseconds, less a tolerance: the timers of the service can be a little early. */
const SHORTEST_INTERVAL = 9_900;

/** Samples with the name of the replica that counted. */
export interface ReplicaSamples {
  readonly replica: string;
  readonly samples: readonly Sample[];
}

/**
 * Appends newer samples of the same replica. A load balancer can send the next request to another replica, which sends
 * its own samples of the last hour. The samples of the former replica are then dropped, because counters of two
 * replicas make no rate.
 */
export function continueSamples(before: ReplicaSamples | null, next: ReplicaSamples): readonly Sample[] {
  return appendSamples(before?.replica === next.replica ? before.samples : [], next.samples);
}

/** Appends newer samples, and keeps those of the last hour. */
export function appendSamples(samples: readonly Sample[], newer: readonly Sample[]): readonly Sample[] {
  const known = samples.at(-1)?.at ?? '';
  const all = [...samples, ...newer.filter(({ at }) => at > known)];
  const last = Date.parse(all.at(-1)?.at ?? '');
  return all.filter(({ at }) => Date.parse(at) > last - HOUR);
}

/**
 * The rate of a count per minute, over intervals of at least {@link SHORTEST_INTERVAL}. A shorter interval would turn
 * one login into dozens a minute. Samples within an interval add to its count.
 */
export function ratesOf(samples: readonly Sample[], count: (sample: Sample) => number): readonly Point[] {
  const rates: Point[] = [];
  let since = Date.parse(samples[0]?.at ?? '');
  let counted = 0;
  for (const [from, to] of pairsOf(samples)) {
    counted += increase(count(from), count(to));
    const at = Date.parse(to.at);
    if (at - since < SHORTEST_INTERVAL) continue;
    rates.push({ at, value: (counted * MINUTE) / (at - since) });
    since = at;
    counted = 0;
  }
  return rates;
}

/** The known values of a gauge. */
export function valuesOf(
  samples: readonly Sample[],
  gauge: (sample: Sample) => number | null,
): readonly Point[] {
  return samples.flatMap((sample) => {
    const value = gauge(sample);
    return value === null ? [] : [{ at: Date.parse(sample.at), value }];
  });
}

export function refusalCount({ refusals }: Sample): number {
  return Object.values(refusals).reduce((sum, count) => sum + count, 0);
}

/** Each reason of a refusal with its count between the first and the last sample, most frequent first. */
export function refusalsIn(samples: readonly Sample[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const [from, to] of pairsOf(samples))
    for (const [reason, count] of Object.entries(to.refusals))
      counts.set(reason, (counts.get(reason) ?? 0) + increase(from.refusals[reason] ?? 0, count));
  return [...counts].filter(([, count]) => count > 0).sort(([, one], [, other]) => other - one);
}

/** The increase of a count. A lower count begins again at zero: the service was restarted. */
function increase(before: number, after: number): number {
  return after >= before ? after - before : after;
}

function pairsOf(samples: readonly Sample[]): readonly (readonly [Sample, Sample])[] {
  return samples.slice(1).flatMap((to, index) => {
    const from = samples[index];
    return from === undefined ? [] : [[from, to] as const];
  });
}

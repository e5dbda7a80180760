import { HOUR, MINUTE, SECOND } from '../../domain/durations.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Counts, DependencyState, ReadReadings } from '../../ports/overview.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import type { KeyInSet } from '../keys/list-keys.ts';
import { checkDependencies, type HealthChecks } from './check-dependencies.ts';

/** The counts at one moment. `at`: milliseconds since the epoch. */
export interface OverviewSample extends Counts {
  readonly at: number;
  /** The number of live sessions, estimated if it is high; null: not known. */
  readonly sessions: number | null;
}

export interface Overview {
  /** The replica that answers. It counts its own logins, refreshes and refusals. */
  readonly replica: string;
  /** Oldest first. */
  readonly samples: readonly OverviewSample[];
  readonly dependencies: readonly DependencyState[];
  /** Null: they could not be read. Empty: no key set is in use. */
  readonly keys: readonly KeyInSet[] | null;
}

interface Deps {
  readonly replica: string;
  readonly readReadings: ReadReadings;
  readonly families: Pick<TokenFamilies, 'countLive'>;
  readonly checks: HealthChecks;
  /** Null: they cannot be read. */
  readonly listKeys: () => Promise<readonly KeyInSet[] | null>;
  readonly clock: Clock;
}

/** Returns the overview, which is at most two seconds old, with the samples that were read before. */
export type ReadOverview = () => Promise<Overview>;

/** How long a reading is used again, and how long samples are kept, in milliseconds. */
const AGE = { sample: 2 * SECOND, history: HOUR, keys: 30 * SECOND, sessions: MINUTE };

/**
 * The least milliseconds between two kept samples, a little less than the pause of the stream. The latest sample may
 * follow sooner.
 */
const SPACING = 4.5 * SECOND;

/** Up to this number live sessions are counted exactly. A higher number is estimated. */
const COUNTED_SESSIONS = 100_000;

/**
 * The overview of the service for operators, as one replica sees it. It keeps samples of the last hour in memory, at
 * least {@link SPACING} apart. Many readers cause no more work than one.
 */
export function readOverview({
  replica,
  readReadings,
  families,
  checks,
  listKeys,
  clock,
}: Deps): ReadOverview {
  const sessions = cacheFor(clock, AGE.sessions, () => families.countLive(clock(), COUNTED_SESSIONS));
  const keys = cacheFor(clock, AGE.keys, listKeys);
  const checkAll = checkDependencies(checks);
  let samples: readonly OverviewSample[] = [];

  return cacheFor(clock, AGE.sample, async () => {
    const at = clock();
    const [{ counts, connections }, checked] = await Promise.all([readReadings(), checkAll()]);
    const sample = { at, ...counts, sessions: await nullIfUnavailable(sessions()) };
    samples = [...thinOut(samples), sample].filter((one) => one.at > at - AGE.history);
    const dependencies = [...checked.map(({ name, isUp }) => ({ name, isUp })), ...connections];
    return { replica, samples, dependencies, keys: await nullIfUnavailable(keys()) };
  });
}

/** Removes the latest sample if it follows the one before it too soon. */
function thinOut(samples: readonly OverviewSample[]): readonly OverviewSample[] {
  const [before, latest] = samples.slice(-2);
  const isTooSoon = before !== undefined && latest !== undefined && latest.at - before.at < SPACING;
  return isTooSoon ? samples.slice(0, -1) : samples;
}

/** Concurrent and later calls share one result for `age` milliseconds. A failure is shared by concurrent calls only. */
function cacheFor<T>(clock: Clock, age: number, read: () => Promise<T>): () => Promise<T> {
  let readAt = Number.NEGATIVE_INFINITY;
  let result: Promise<T> | null = null;
  return () => {
    if (result !== null && Math.abs(clock() - readAt) < age) return result;
    readAt = clock();
    result = read();
    result.catch(() => {
      readAt = Number.NEGATIVE_INFINITY;
    });
    return result;
  };
}

async function nullIfUnavailable<T>(reading: Promise<T>): Promise<T | null> {
  return reading.catch((error: unknown) => {
    if (error instanceof StoreUnavailable) return null;
    throw error;
  });
}

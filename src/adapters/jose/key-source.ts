import type { KeySetTiming } from '../../domain/key-set.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { KeySet } from './key-set.ts';

export interface KeySourceOptions {
  readonly timing: KeySetTiming;
  readonly clock: Clock;
  readonly log: Log;
}

/** A key set, and the functions that keep it equal to the keys in the database or the file. */
export interface KeySource {
  readonly set: KeySet;
  /** Fills the set. Rejects with an {@link UnusableKey} if a key cannot be used. */
  start(): Promise<void>;
  /**
   * Reads the keys again. For the database, first makes and removes keys that are due. A key or a file that cannot be
   * used is logged, and the usable keys stay in use.
   */
  maintain(): Promise<void>;
}

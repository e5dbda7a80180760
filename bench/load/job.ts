import type { Place } from './scenario.ts';

/** What the load generator is to do. */
export interface Job {
  /** The module that exports `scenarios`. */
  readonly client: string;
  readonly scenario: string;
  readonly place: Place;
  /** Clients at once, each on a connection of its own, each waiting for its answer before it asks again. */
  readonly clients: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** What it saw between the end of the warm-up and the end. */
export interface Seen {
  readonly count: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** CPU time of the generator itself, in microseconds for each answer. */
  readonly ownCpu: number;
}

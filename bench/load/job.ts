import type { Target } from './scenario.ts';

/** The task of the load generator. */
export interface Job {
  /** The module that exports `scenarios`. */
  readonly client: string;
  readonly scenario: string;
  readonly target: Target;
  /** Concurrent clients. Each has its own connection, and waits for an answer before its next request. */
  readonly clients: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** The result of the load generator, from the end of the warm-up to the end of the job. */
export interface LoadResult {
  readonly count: number;
  /** Requests that were answered with 503, and repeated. Unlike the other values, includes the warm-up. */
  readonly shed: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** CPU time of the generator itself, in microseconds for each answer. */
  readonly ownCpu: number;
}

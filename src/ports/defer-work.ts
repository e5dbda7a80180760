/** What to log if deferred work fails. */
export interface DeferredFailure {
  readonly userId: string;
  readonly message: string;
}

/**
 * Starts work for which the answer to a request does not wait. A stop of the service waits until the work has ended.
 */
export type DeferWork = (work: () => Promise<void>, failure: DeferredFailure) => void;

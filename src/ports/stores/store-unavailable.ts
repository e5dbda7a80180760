import { Refusal } from '../../domain/refusal.ts';

/**
 * The effect of a statement without an answer. `nothing`: the statement never reached the database or was rolled
 * back. `unknown`: the answer was lost. `pending`: the statement is still running and may take effect, so reading the
 * row does not show the result yet.
 */
export type WriteOutcome = 'nothing' | 'unknown' | 'pending';

/** The database could not be reached, or did not answer. */
export class StoreUnavailable extends Refusal {
  override readonly name = 'StoreUnavailable';

  readonly outcome: WriteOutcome;

  constructor(outcome: WriteOutcome, cause: unknown) {
    super('unavailable', undefined, { cause });
    this.outcome = outcome;
  }
}

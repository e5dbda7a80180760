import { Refusal } from '../../domain/refusal.ts';

/**
 * What became of a statement without an answer: `nothing` when it never reached the database or was rolled back,
 * `unknown` when the answer was lost on the way, `pending` when it is still under way and may yet take effect, so
 * that a look into the database tells nothing yet.
 */
export type Outcome = 'nothing' | 'unknown' | 'pending';

/** The store could not be asked, or did not answer. */
export class StoreUnavailable extends Refusal {
  override readonly name = 'StoreUnavailable';

  readonly outcome: Outcome;

  constructor(outcome: Outcome, cause: unknown) {
    super('unavailable', undefined, { cause });
    this.outcome = outcome;
  }
}

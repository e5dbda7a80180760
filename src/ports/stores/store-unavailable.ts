import { Refusal } from '../../domain/refusal.ts';

/**
 * The store could not be asked. `outcome` tells whether the statement can have taken effect: `nothing` when it
 * never reached the database or was rolled back, `unknown` when the answer was lost on the way.
 */
export class StoreUnavailable extends Refusal {
  override readonly name = 'StoreUnavailable';

  readonly outcome: 'nothing' | 'unknown';

  constructor(outcome: 'nothing' | 'unknown', cause: unknown) {
    super('unavailable', undefined, { cause });
    this.outcome = outcome;
  }
}

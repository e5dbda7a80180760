import type { Policy } from '../../domain/policy.ts';
import { purgedIfEndedBefore } from '../../domain/retention.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';

interface PurgeDeps {
  readonly families: Pick<TokenFamilies, 'purge'>;
  readonly policy: Pick<Policy, 'refreshTokenAge' | 'clockSkew'>;
  readonly clock: Clock;
}

const BATCH = 500;

/** Milliseconds between two batches, in which refreshes have the database to themselves. */
export const BREATH = 100;

/** Removes one batch of families that answer nothing any more: how many, or null while somebody else does. */
export const purgeBatch = ({ families, policy, clock }: PurgeDeps) => {
  return (): Promise<number | null> => families.purge(purgedIfEndedBefore(clock(), policy), BATCH);
};

/** The same as work that goes on for as long as there is any, and then is logged as a whole. */
export const purgeInTurns = ({ log, ...deps }: PurgeDeps & { readonly log: Log }) => {
  const purge = purgeBatch(deps);
  let count = 0;

  return async (): Promise<number> => {
    const purged = (await purge()) ?? 0;
    count += purged;
    if (purged === 0 && count > 0) {
      log.info({ count }, 'sessions purged that ended long ago');
      count = 0;
    }
    return purged;
  };
};

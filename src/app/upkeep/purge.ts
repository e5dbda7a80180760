import type { Policy } from '../../domain/policy.ts';
import { purgeCutoff } from '../../domain/retention.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { createRemoval, type RemovalDeps } from './removal.ts';

interface PurgeDeps {
  readonly families: Pick<TokenFamilies, 'purge'>;
  readonly policy: Pick<Policy, 'refreshTokenAge' | 'clockSkew'>;
  readonly clock: Clock;
}

/** Makes the space of removed rows usable again, where the database does not do that by itself. */
export type Vacuum = () => Promise<void>;

const BATCH = 500;

/** Milliseconds between two batches of a removal, so that refreshes are not delayed. */
export const BUSY_DELAY = 100;

/** Purges one batch of families and returns its size; null while another process purges. */
export const purgeBatch = ({ families, policy, clock }: PurgeDeps) => {
  return (): Promise<number | null> => families.purge(purgeCutoff(clock(), policy), BATCH);
};

/**
 * Purges for a background loop. After its last batch, logs how many families this process has purged, and calls
 * `vacuum`.
 */
export const createPurge = (deps: PurgeDeps & RemovalDeps & { readonly vacuum: Vacuum | null }) => {
  const purge = createRemoval(deps, {
    removal: 'sessions',
    remove: purgeBatch(deps),
    done: 'ended sessions purged',
  });
  return async (): Promise<number> => {
    const purged = await purge();
    if (purged === 0) await deps.vacuum?.();
    return purged;
  };
};

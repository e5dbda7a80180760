import type { Policy } from '../../domain/policy.ts';
import { purgedIfEndedBefore } from '../../domain/retention.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { type RemovalDeps, removeInTurns } from './remove-in-turns.ts';

interface PurgeDeps {
  readonly families: Pick<TokenFamilies, 'purge'>;
  readonly policy: Pick<Policy, 'refreshTokenAge' | 'clockSkew'>;
  readonly clock: Clock;
}

const BATCH = 500;

/** Milliseconds between two batches of any removal, in which refreshes have the database to themselves. */
export const BREATH = 100;

/** Removes one batch of families that answer nothing any more: how many, or null while somebody else does. */
export const purgeBatch = ({ families, policy, clock }: PurgeDeps) => {
  return (): Promise<number | null> => families.purge(purgedIfEndedBefore(clock(), policy), BATCH);
};

/** The same for a background loop, logged when nothing is left to remove. */
export const purgeInTurns = (deps: PurgeDeps & RemovalDeps) =>
  removeInTurns(deps, {
    removal: 'sessions',
    remove: purgeBatch(deps),
    done: 'sessions purged that ended long ago',
  });

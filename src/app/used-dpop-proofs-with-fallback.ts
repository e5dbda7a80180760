import type { Log } from '../ports/log.ts';
import { type UsedDpopProofs, UsedDpopProofsFull } from '../ports/stores/used-dpop-proofs.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { createProbedOutage } from './probed-outage.ts';

interface Deps {
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'dpopUnshared'>;
}

/**
 * Refuses replayed proofs even during an outage of `primary`, which all replicas share. `fallback`, which the processes
 * of this replica share, records every proof of this replica too. So these proofs stay used during an outage, and also
 * if `primary` has lost its records. During an outage a proof can be used once at each replica; each such use is
 * counted. A full `primary` starts no outage: the proof is refused.
 *
 * The first failure starts an outage: see {@link createProbedOutage}.
 */
export function usedDpopProofsWithFallback(
  primary: UsedDpopProofs,
  fallback: UsedDpopProofs,
  { log, telemetry }: Deps,
): UsedDpopProofs {
  const outage = createProbedOutage({
    begun: (error) => log.error({ err: error }, 'used proofs are known to this replica alone'),
    ended: () => log.info({}, 'used proofs are shared by all replicas again'),
  });

  return {
    async use(...use) {
      if (outage.isOngoing()) {
        outage.probe(() => primary.use(...use));
        return useAlone(use);
      }
      try {
        const isFirst = await primary.use(...use);
        // The memory of this replica may be full. That is no refusal, because `primary` has recorded the proof.
        const isFirstHere = await fallback.use(...use).catch(() => true);
        return isFirst && isFirstHere;
      } catch (error) {
        if (error instanceof UsedDpopProofsFull) throw error;
        outage.begin(error);
        return useAlone(use);
      }
    },
  };

  async function useAlone(use: Parameters<UsedDpopProofs['use']>): Promise<boolean> {
    const isFirst = await fallback.use(...use);
    if (isFirst) telemetry.dpopUnshared();
    return isFirst;
  }
}

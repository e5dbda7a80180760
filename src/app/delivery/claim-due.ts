import { createOutage } from '../../lib/outage.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { ClaimedEntry, DeliveryKind, Outbox } from '../../ports/stores/outbox.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { Telemetry } from '../../ports/telemetry.ts';

export interface OutboxDeps {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
}

/** Dependencies of a delivery loop that counts its outcomes. */
export interface DeliveryDeps extends OutboxDeps {
  readonly telemetry: Pick<Telemetry, 'deliveryEnded'>;
}

/** The number of entries in one claim, and the lease in milliseconds. */
export interface Batch {
  readonly limit: number;
  readonly lease: number;
}

/**
 * Claims the due entries of one kind. Resolves with null if the database is unavailable, which is logged once per
 * outage, not at every claim.
 */
export const claimDue = ({ outbox, clock, log }: OutboxDeps, kind: DeliveryKind, { limit, lease }: Batch) => {
  const outage = createOutage();

  return async (): Promise<readonly ClaimedEntry[] | null> => {
    const now = clock();
    try {
      const claimed = await outbox.claim(kind, now, now + lease, limit);
      outage.end();
      return claimed;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      outage.begin(() => log.warn({ kind, err: error }, 'outbox unavailable; deliveries wait'));
      return null;
    }
  };
};

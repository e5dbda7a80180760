import type { AuditEvent } from '../../domain/audit.ts';
import { eventMacText, type Seal, type SealHead, sealMacParts } from '../../domain/audit-seal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { SealMacs } from '../../ports/security/seal-macs.ts';
import type { AuditSeals } from '../../ports/stores/audit-seals.ts';
import { computeMac } from './compute-mac.ts';

export interface SealDeps {
  readonly auditSeals: AuditSeals;
  readonly sealMacs: SealMacs;
  readonly clock: Clock;
  readonly log: Log;
}

/** The maximum number of events in one seal. A purge removes whole seals. */
const BATCH = 500;

/**
 * Seals one batch of events and logs the new head of the chain. If the end of the chain is cut off later, the chain
 * lacks a logged head. Returns the number of events, and 0 where another replica was first.
 */
export const sealEvents =
  ({ auditSeals, sealMacs, clock, log }: SealDeps) =>
  async (): Promise<number> => {
    const events = await auditSeals.listUnsealed(BATCH);
    if (events.length === 0) return 0;
    const seal = createSeal(sealMacs, events, await auditSeals.findHead(), clock());
    if (!(await auditSeals.append(seal))) return 0;
    log.info({ head: `${seal.number}:${seal.mac}`, count: events.length }, 'audit log sealed');
    return events.length;
  };

function createSeal(
  macs: SealMacs,
  events: readonly AuditEvent[],
  last: SealHead | null,
  sealedAt: number,
): Seal {
  const { keyId } = macs;
  const seal = {
    number: (last?.number ?? 0) + 1,
    keyId,
    sealedAt,
    previous: last?.mac ?? '',
    events: events.map((event) => ({
      id: event.id,
      mac: computeMac(macs, keyId, 'event', [eventMacText(event)]),
    })),
  };
  return { ...seal, mac: computeMac(macs, keyId, 'seal', sealMacParts(seal)) };
}

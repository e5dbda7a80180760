import { markMacParts, type Seal, sealMacParts } from '../../domain/audit-seal.ts';
import { commandLine } from '../../lib/command-line.ts';
import type { SealMacs } from '../../ports/security/seal-macs.ts';
import { createRemoval, type RemovalDeps } from '../upkeep/removal.ts';
import { computeMac } from './compute-mac.ts';
import type { SealDeps } from './seal-events.ts';

/** The number of seals that one transaction removes with their events. */
const BATCH = 4;

export interface PurgeAuditDeps extends SealDeps, RemovalDeps {
  /** Milliseconds for which events are kept after they were sealed. */
  readonly auditRetention: number;
}

/** Removes one batch of old seals with their events at each call, and returns the number of events. */
export const removeOldAuditEvents = (deps: PurgeAuditDeps) =>
  createRemoval(deps, {
    removal: 'audit_events',
    remove: () => purgeSealedEvents(deps),
    done: 'old audit events removed',
  });

/** The chain must keep its order, so only its oldest seals are removed. An event without a seal stays. */
async function purgeSealedEvents({
  auditSeals,
  sealMacs,
  clock,
  auditRetention,
}: PurgeAuditDeps): Promise<number> {
  const before = clock() - auditRetention;
  const seals = await auditSeals.list(0, BATCH);
  const firstKept = seals.findIndex(({ sealedAt }) => sealedAt >= before);
  const old = firstKept === -1 ? seals : seals.slice(0, firstKept);
  const last = old.at(-1);
  if (last === undefined) return 0;
  requireRightMac(sealMacs, last);
  const mark = { removed: { number: last.number, mac: last.mac }, keyId: sealMacs.keyId };
  await auditSeals.purge({ ...mark, mac: computeMac(sealMacs, mark.keyId, 'mark', markMacParts(mark)) });
  return old.reduce((count, { events }) => count + events.length, 0);
}

/**
 * The MAC covers number and time of a seal, and numbers rise with time. So all seals up to an old seal with a right MAC
 * are old, whatever the database says. Without this check an attacker with the database alone could date seals back.
 * The purge would then remove them and sign the mark.
 */
function requireRightMac(macs: SealMacs, seal: Seal): void {
  const { number, keyId } = seal;
  const mac = macs.mac(keyId, 'seal', sealMacParts(seal));
  if (mac === seal.mac) return;
  throw new Error(
    mac === null
      ? `Seal ${number} cannot be checked: add its key ${keyId} to REFRESH_TOKEN_HASH_KEY again.`
      : `Seal ${number} was changed: run ${commandLine('audit verify')}.`,
  );
}

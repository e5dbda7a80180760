import {
  eventMacText,
  markMacParts,
  type Seal,
  type SealFault,
  type SealHead,
  type SealMark,
  sealMacParts,
} from '../../domain/audit-seal.ts';
import type { SealMacs } from '../../ports/security/seal-macs.ts';
import type { AuditSeals } from '../../ports/stores/audit-seals.ts';

interface Deps {
  readonly auditSeals: AuditSeals;
  readonly sealMacs: SealMacs;
}

export interface Verification {
  /** The first fault; null: no checked seal has a fault. */
  readonly fault: SealFault | null;
  /** The seals that could not be checked, or the mark of a purge, because their key is not configured. */
  readonly unchecked: readonly { readonly seal: number; readonly keyId: string }[];
  readonly seals: number;
  readonly events: number;
  /** The last checked seal, or else the last seal that the purge removed. Null if there is neither. */
  readonly head: SealHead | null;
}

export type VerifySeals = (expected: SealHead | null) => Promise<Verification>;

/** Seals that one statement reads. */
const BATCH = 20;

/** Lower than every number, so that a seal with a forged number is read, too. */
const FIRST = Number.MIN_SAFE_INTEGER;

/** The verification runs up to three times: a concurrent purge removes seals that the verification expects. */
const TRIES = 3;

/**
 * Checks the whole chain, and that the chain contains the head `expected` (null: no head is expected). A head that is
 * older than the last purge cannot be checked, and is no fault.
 */
export const verifySeals =
  (deps: Deps): VerifySeals =>
  async (expected) => {
    for (let tries = 1; ; tries += 1) {
      const mark = await deps.auditSeals.findMark();
      const verification = await verifyFrom(deps, mark, expected);
      const isStable = (await deps.auditSeals.findMark())?.mac === mark?.mac;
      if (verification.fault === null || isStable || tries === TRIES) return verification;
    }
  };

async function verifyFrom(
  deps: Deps,
  mark: SealMark | null,
  expected: SealHead | null,
): Promise<Verification> {
  const unchecked: { seal: number; keyId: string }[] = [];
  let [seals, events] = [0, 0];
  let head: SealHead | null = mark?.removed ?? null;
  let fault = checkMark(deps.sealMacs, mark, unchecked) ?? checkHead(head, expected);
  const result = () => ({ fault, unchecked, seals, events, head });

  for (let after = FIRST; ; after = head?.number ?? after) {
    const batch = await deps.auditSeals.list(after, BATCH);
    for (const seal of batch) {
      fault ??= await checkSeal(deps, seal, head, unchecked);
      fault ??= checkHead(seal, expected);
      if (fault !== null) return result();
      head = { number: seal.number, mac: seal.mac };
      seals += 1;
      events += seal.events.length;
    }
    if (batch.length < BATCH) break;
  }
  fault ??= checkEnd(head, expected) ?? (await checkStrays(deps));
  return result();
}

function checkMark(
  macs: SealMacs,
  mark: SealMark | null,
  unchecked: { seal: number; keyId: string }[],
): SealFault | null {
  if (mark === null) return null;
  const mac = macs.mac(mark.keyId, 'mark', markMacParts(mark));
  if (mac === null) unchecked.push({ seal: mark.removed.number, keyId: mark.keyId });
  return mac === null || mac === mark.mac ? null : { kind: 'mark_changed', seal: mark.removed.number };
}

async function checkSeal(
  { auditSeals, sealMacs }: Deps,
  seal: Seal,
  last: SealHead | null,
  unchecked: { seal: number; keyId: string }[],
): Promise<SealFault | null> {
  const expectedNumber = (last?.number ?? 0) + 1;
  if (seal.number < expectedNumber) return { kind: 'seal_added', seal: seal.number };
  if (seal.number > expectedNumber) return { kind: 'seal_missing', seal: expectedNumber };
  const mac = sealMacs.mac(seal.keyId, 'seal', sealMacParts(seal));
  if (mac === null) unchecked.push({ seal: seal.number, keyId: seal.keyId });
  const isRight = mac === null || mac === seal.mac;
  if (!isRight || seal.previous !== (last?.mac ?? '')) return { kind: 'seal_changed', seal: seal.number };

  const stored = new Map((await auditSeals.listEvents(seal.number)).map((event) => [event.id, event]));
  for (const { id, mac: sealed } of seal.events) {
    const event = stored.get(id);
    if (event === undefined) return { kind: 'event_removed', seal: seal.number, id };
    const found = sealMacs.mac(seal.keyId, 'event', [eventMacText(event)]);
    if (found !== null && found !== sealed) return { kind: 'event_changed', seal: seal.number, id };
    stored.delete(id);
  }
  const [added] = stored.keys();
  return added === undefined ? null : { kind: 'event_added', seal: seal.number, id: added };
}

/** The seal with the number of the expected head must have the MAC of that head. */
function checkHead(seal: SealHead | null, expected: SealHead | null): SealFault | null {
  if (seal === null || seal.number !== expected?.number || seal.mac === expected.mac) return null;
  return { kind: 'head_changed', seal: seal.number };
}

function checkEnd(head: SealHead | null, expected: SealHead | null): SealFault | null {
  if (expected === null || expected.number <= (head?.number ?? 0)) return null;
  return { kind: 'head_missing', seal: expected.number };
}

async function checkStrays({ auditSeals }: Deps): Promise<SealFault | null> {
  const stray = await auditSeals.findStray();
  return stray && { kind: 'event_added', ...stray };
}

import type { AuditEvent } from './audit.ts';

/** An event in a seal: its id, and its MAC under the key of the seal. */
export interface SealedEvent {
  readonly id: string;
  readonly mac: string;
}

/** The end of the chain: the number and the MAC of its last seal. */
export interface SealHead {
  readonly number: number;
  readonly mac: string;
}

/** A seal over some events. Seals are numbered from 1 without a gap, and each covers the MAC of the seal before. */
export interface Seal extends SealHead {
  readonly keyId: string;
  readonly sealedAt: number;
  /** The MAC of the seal before; empty for the first one. */
  readonly previous: string;
  readonly events: readonly SealedEvent[];
}

/** The last seal that the purge removed. `mac` covers `removed` and `keyId`. */
export interface SealMark {
  readonly removed: SealHead;
  readonly keyId: string;
  readonly mac: string;
}

/** The first difference between the log and its seals. `id`: the event, if the fault concerns an event. */
export interface SealFault {
  readonly kind:
    | 'event_changed'
    | 'event_added'
    | 'event_removed'
    | 'seal_added'
    | 'seal_changed'
    | 'seal_missing'
    | 'mark_changed'
    | 'head_missing'
    | 'head_changed';
  readonly seal: number;
  readonly id?: string;
}

/**
 * The text of an event that its MAC covers. The order of members never changes: the MACs of stored events depend on it.
 */
export function eventMacText({ data, ...event }: AuditEvent): string {
  const { id, type, occurredAt, userId, sessionId, origin, generation } = event;
  const { actor, address, userAgent } = origin;
  const facts = Object.entries(data).sort(([one], [other]) => (one < other ? -1 : 1));
  const columns = [id, type, occurredAt, userId, sessionId, actor.kind, actor.name ?? null];
  return JSON.stringify([...columns, address, userAgent, generation, facts]);
}

/** The parts of a seal that its MAC covers. */
export function sealMacParts({ number, keyId, sealedAt, previous, events }: Omit<Seal, 'mac'>): string[] {
  const rows = JSON.stringify(events.map(({ id, mac }) => [id, mac]));
  return [String(number), keyId, String(sealedAt), previous, rows];
}

/** The parts of a mark that its MAC covers. */
export function markMacParts({ removed, keyId }: Omit<SealMark, 'mac'>): string[] {
  return [String(removed.number), removed.mac, keyId];
}

import type { AuditEvent } from '../../../src/domain/audit.ts';
import type { Seal, SealMark } from '../../../src/domain/audit-seal.ts';
import type { AuditSeals } from '../../../src/ports/stores/audit-seals.ts';

/** Seals in memory. `events` is the audit log that they seal. */
export function createMemoryAuditSeals(events: Map<string, AuditEvent>): AuditSeals {
  const seals = new Map<number, Seal>();
  const sealOf = new Map<string, number>();
  let mark: SealMark | null = null;

  const numbers = () => [...seals.keys()].sort((one, other) => one - other);
  const inSeal = (isWanted: (number: number) => boolean) =>
    [...events.values()].filter(({ id }) => isWanted(sealOf.get(id) ?? Number.POSITIVE_INFINITY));

  return {
    async listUnsealed(limit) {
      return structuredClone([...events.values()].filter(({ id }) => !sealOf.has(id)).slice(0, limit));
    },

    async findHead() {
      return seals.get(numbers().at(-1) ?? 0) ?? mark?.removed ?? null;
    },

    async append(seal) {
      if (seals.has(seal.number) || seal.events.some(({ id }) => sealOf.has(id))) return false;
      seals.set(seal.number, structuredClone(seal));
      for (const { id } of seal.events) sealOf.set(id, seal.number);
      return true;
    },

    async list(after, limit) {
      const wanted = numbers().filter((number) => number > after);
      return wanted.slice(0, limit).flatMap((number) => structuredClone(seals.get(number)) ?? []);
    },

    async listEvents(number) {
      return structuredClone(inSeal((one) => one === number));
    },

    async findStray() {
      const [stray] = [...sealOf].filter(([id, seal]) => events.has(id) && !seals.has(seal));
      return stray === undefined ? null : { id: stray[0], seal: stray[1] };
    },

    async findMark() {
      return mark;
    },

    async purge(next) {
      const { number } = next.removed;
      if (mark === null || mark.removed.number < number) mark = next;
      for (const { id } of inSeal((one) => one <= number)) events.delete(id);
      for (const one of numbers().filter((candidate) => candidate <= number)) seals.delete(one);
    },
  };
}

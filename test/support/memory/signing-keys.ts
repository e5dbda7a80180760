import type { AuditEntry, AuditLog } from '../../../src/ports/stores/audit-log.ts';
import type { SealedKey, SigningKeys } from '../../../src/ports/stores/signing-keys.ts';

/** The store of signing keys in memory. */
export function createMemorySigningKeys(auditLog?: Pick<AuditLog, 'record'>): SigningKeys {
  const keys = new Map<number, SealedKey>();
  const removed = new Set<string>();

  async function record(ids: readonly string[], entries: readonly AuditEntry[]): Promise<void> {
    for (const { kind: _kind, ...event } of entries)
      if (ids.includes(String(event.data.kid))) await auditLog?.record(event);
  }

  return {
    async list() {
      return [...keys.values()]
        .sort((one, other) => one.number - other.number)
        .map((key) => ({ ...key, ...(removed.has(key.id) && { wasRemoved: true as const }) }));
    },

    async add(key, entries) {
      if ([...keys.values()].some(({ id }) => id === key.id))
        throw new Error(`Key ${key.id} already exists.`);
      if (keys.has(key.number)) return false;
      keys.set(key.number, { ...key });
      await record([key.id], entries);
      return true;
    },

    async remove(ids, entries) {
      const found = [...keys.values()].filter(({ id }) => ids.includes(id));
      for (const { number, id } of found) {
        keys.delete(number);
        removed.add(id);
      }
      const changed = found.map(({ id }) => id);
      await record(changed, entries);
      return changed;
    },
  };
}

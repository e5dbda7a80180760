interface Options<Value> {
  /** The maximum number of protected entries. The same maximum applies to the other entries. */
  readonly maxEntries: number;
  /** Whether an entry is protected: unprotected entries never evict protected ones. */
  isProtected?(value: Value): boolean;
}

/** A map that evicts the entry with the oldest write when it is full. Protected entries are bounded separately. */
export function createBoundedMap<Value>({ maxEntries, isProtected = () => false }: Options<Value>) {
  const unprotectedEntries = new Map<string, Value>();
  const protectedEntries = new Map<string, Value>();

  const remove = (key: string) => {
    unprotectedEntries.delete(key);
    protectedEntries.delete(key);
  };

  return {
    get: (key: string): Value | undefined => protectedEntries.get(key) ?? unprotectedEntries.get(key),

    /** `undefined` removes the entry. */
    set(key: string, value: Value | undefined): void {
      remove(key);
      if (value === undefined) return;
      const entries = isProtected(value) ? protectedEntries : unprotectedEntries;
      entries.set(key, value);
      const [oldest] = entries.keys();
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
    },
  };
}

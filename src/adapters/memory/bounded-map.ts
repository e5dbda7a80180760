/** A map that forgets what was not written for longest once it is full. */
export function createBoundedMap<Value>(most: number) {
  const entries = new Map<string, Value>();

  return {
    get: (key: string): Value | undefined => entries.get(key),

    set(key: string, value: Value): void {
      entries.delete(key);
      entries.set(key, value);
      const [oldest] = entries.keys();
      if (entries.size > most && oldest !== undefined) entries.delete(oldest);
    },

    delete: (key: string): boolean => entries.delete(key),
  };
}

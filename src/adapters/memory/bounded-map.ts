interface Options<Value> {
  /** How many entries of each rank are kept. */
  readonly most: number;
  /** Whether an entry ranks above the others, which can then never push it out. */
  isPrecious?(value: Value): boolean;
}

/** A map that forgets what was not written for longest, within its rank, once that is full. */
export function createBoundedMap<Value>({ most, isPrecious = () => false }: Options<Value>) {
  const common = new Map<string, Value>();
  const precious = new Map<string, Value>();

  const remove = (key: string) => {
    common.delete(key);
    precious.delete(key);
  };

  return {
    get: (key: string): Value | undefined => precious.get(key) ?? common.get(key),

    /** undefined removes it. */
    set(key: string, value: Value | undefined): void {
      remove(key);
      if (value === undefined) return;
      const rank = isPrecious(value) ? precious : common;
      rank.set(key, value);
      const [oldest] = rank.keys();
      if (rank.size > most && oldest !== undefined) rank.delete(oldest);
    },
  };
}

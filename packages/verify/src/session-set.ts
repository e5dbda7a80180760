const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** 32-bit words of a slot: four of the id, one of the time. A slot whose time is 0 is free. */
const WORDS = 5;
const FIRST_SLOTS = 1_024;

/** Sessions by id, each with a time in whole seconds. */
export interface SessionSet {
  /** False if the set is full, or if `sid` is no UUID. */
  add(sid: string, seconds: number): boolean;
  has(sid: string): boolean;
  /** Drops the sessions whose time is before this, when the set needs their place. */
  dropBefore(seconds: number): void;
  size(): number;
}

export function isSessionId(sid: unknown): sid is string {
  return typeof sid === 'string' && UUID.test(sid);
}

/**
 * A hash table with open addressing in one array: 20 bytes for each slot, and no object for each session. It holds at
 * most `max` sessions, and at most three quarters of its slots are in use.
 */
export function createSessionSet(max: number): SessionSet {
  let table = new Uint32Array(FIRST_SLOTS * WORDS);
  let size = 0;
  let oldest = 0;

  return {
    add(sid, seconds) {
      if (!isSessionId(sid)) return false;
      const words = toWords(sid);
      const slot = slotOf(table, words);
      if (isFree(table, slot)) {
        if (!makeRoom()) return false;
        write(words, seconds);
        size += 1;
      } else {
        table[slot + 4] = Math.max(table[slot + 4] ?? 0, seconds);
      }
      return true;
    },
    has: (sid) => isSessionId(sid) && !isFree(table, slotOf(table, toWords(sid))),
    dropBefore(seconds) {
      oldest = seconds;
    },
    size: () => size,
  };

  /** Whether one more session fits. Rebuilds the table without old sessions when it is three quarters full. */
  function makeRoom(): boolean {
    const slots = table.length / WORDS;
    if (size < max && size + 1 <= slots * 0.75) return true;
    const before = table;
    const isKept = (slot: number) => (before[slot + 4] ?? 0) >= Math.max(1, oldest);
    size = 0;
    for (let slot = 0; slot < before.length; slot += WORDS) if (isKept(slot)) size += 1;
    // Growth from half full on: otherwise the next rebuild would follow soon.
    table = new Uint32Array(before.length * (size > slots / 2 ? 2 : 1));
    for (let slot = 0; slot < before.length; slot += WORDS)
      if (isKept(slot)) write(before.subarray(slot, slot + 4), before[slot + 4] ?? 0);
    return size < max;
  }

  function write(words: Uint32Array, seconds: number): void {
    const slot = slotOf(table, words);
    table.set(words, slot);
    table[slot + 4] = Math.max(1, seconds);
  }
}

function isFree(table: Uint32Array, slot: number): boolean {
  return table[slot + 4] === 0;
}

/** The slot that holds these words, or the free slot where they belong. */
function slotOf(table: Uint32Array, words: Uint32Array): number {
  // Ids are random (UUID, version 4), so their bits are a hash already.
  let slot = (((words[0] ?? 0) ^ (words[3] ?? 0)) >>> 0) % (table.length / WORDS);
  for (;;) {
    const at = slot * WORDS;
    if (isFree(table, at) || words.every((word, index) => table[at + index] === word)) return at;
    slot = (slot + 1) % (table.length / WORDS);
  }
}

function toWords(sid: string): Uint32Array {
  const hex = sid.replaceAll('-', '');
  return Uint32Array.from([0, 8, 16, 24], (at) => Number.parseInt(hex.slice(at, at + 8), 16));
}

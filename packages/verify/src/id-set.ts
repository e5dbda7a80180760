/** 32-bit words of a slot: four of the id, one of the time. A slot whose time is 0 is free. */
const WORDS = 5;
const FIRST_SLOTS = 1_024;

/** A set of random ids of 128 bits. Each id is four 32-bit words, and has a time in whole seconds. */
export interface IdSet {
  /** False if the set is full. */
  add(words: Uint32Array, seconds: number): boolean;
  has(words: Uint32Array): boolean;
  /** Drops the ids whose time is before `seconds`, when the set needs their place. */
  dropBefore(seconds: number): void;
  size(): number;
}

/**
 * A hash table with open addressing in one array: 20 bytes for each slot, and no object for each id. It holds at most
 * `max` ids, and at most three quarters of its slots are in use.
 */
export function createIdSet(max: number): IdSet {
  let table = new Uint32Array(FIRST_SLOTS * WORDS);
  let size = 0;
  let oldest = 0;
  let droppedBefore = 0;

  return {
    add(words, seconds) {
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
    has: (words) => !isFree(table, slotOf(table, words)),
    dropBefore(seconds) {
      oldest = seconds;
    },
    size: () => size,
  };

  /** Whether one more id fits. Rebuilds the table without old ids when it is three quarters full. */
  function makeRoom(): boolean {
    const slots = table.length / WORDS;
    if (size < max && size + 1 <= slots * 0.75) return true;
    // A full set is not searched again until time has passed: each search reads the whole table.
    if (size >= max && oldest === droppedBefore) return false;
    droppedBefore = oldest;
    const before = table;
    const isKept = (slot: number) => (before[slot + 4] ?? 0) >= Math.max(1, oldest);
    size = 0;
    for (let slot = 0; slot < before.length; slot += WORDS) if (isKept(slot)) size += 1;
    // The table doubles if the kept ids fill more than half of it. Otherwise the next rebuild would follow soon.
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
  // Ids are random, so their bits are a hash already.
  let slot = (((words[0] ?? 0) ^ (words[3] ?? 0)) >>> 0) % (table.length / WORDS);
  for (;;) {
    const at = slot * WORDS;
    if (isFree(table, at) || words.every((word, index) => table[at + index] === word)) return at;
    slot = (slot + 1) % (table.length / WORDS);
  }
}

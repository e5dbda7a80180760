import { createIdSet } from './id-set.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A set of session ids, each with a time in whole seconds. */
export interface SessionSet {
  /** False if the set is full, or if `sid` is no UUID. */
  add(sid: string, seconds: number): boolean;
  has(sid: string): boolean;
  /** Drops the sessions whose time is before `seconds`, when the set needs their place. */
  dropBefore(seconds: number): void;
  size(): number;
}

export function isSessionId(sid: unknown): sid is string {
  return typeof sid === 'string' && UUID.test(sid);
}

/** Creates a set of at most `max` session ids, which are random (UUID, version 4). */
export function createSessionSet(max: number): SessionSet {
  const { add, has, dropBefore, size } = createIdSet(max);
  return {
    add: (sid, seconds) => isSessionId(sid) && add(toWords(sid), seconds),
    has: (sid) => isSessionId(sid) && has(toWords(sid)),
    dropBefore,
    size,
  };
}

function toWords(sid: string): Uint32Array {
  const hex = sid.replaceAll('-', '');
  return Uint32Array.from([0, 8, 16, 24], (at) => Number.parseInt(hex.slice(at, at + 8), 16));
}

import { SECOND } from './durations.ts';
import type { Policy } from './policy.ts';

/** The asymmetric algorithms for access tokens (RFC 7518 section 3.1, RFC 8037 section 3.1). */
export const KEY_ALGORITHMS = ['EdDSA', 'ES256', 'RS256'] as const;

export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

/** The metadata of a key that signs access tokens. Times in milliseconds since the epoch. */
export interface SigningKey {
  readonly id: string;
  readonly alg: KeyAlgorithm;
  /** A rising number. Of the keys that may sign, the key with the highest number signs. */
  readonly number: number;
  readonly announcedAt: number;
  readonly signsFrom: number;
}

/** The place of a key in the order of keys, and its times. */
export type KeySchedule = Pick<SigningKey, 'number' | 'announcedAt' | 'signsFrom'>;

/**
 * `announced`: published before it signs, so that every verifier has fetched it by then. `retired`: no longer signs,
 * but stays published until its last token has expired.
 */
export type KeyState = 'announced' | 'signing' | 'retired';

/** Spans in milliseconds. */
export interface KeySetTiming {
  /** Between two reads of the set by one replica. */
  readonly poll: number;
  /** From the publication of a key until it signs. */
  readonly announce: number;
  /** From the end of a key's signing until it is no longer published. */
  readonly outlast: number;
  /** How long a key signs; null: until an operator rotates it. */
  readonly rotateAfter: number | null;
}

/** The shortest time that verifiers cache a set, whatever its `max-age`: many fetch at most twice a minute. */
const MIN_CACHE_TIME = 30 * SECOND;

/**
 * The spans that ensure that every verifier knows a key before it signs. A verifier may have fetched the set from a
 * replica that had not read the new key yet. That replica is at most two polls late, because one poll may fail. The
 * verifier must fetch the set again before any replica signs with the new key, whatever the clock skew. The same spans
 * cover the last token of the old key.
 */
export function keySetTiming(
  { accessTokenAge, clockSkew }: Pick<Policy, 'accessTokenAge' | 'clockSkew'>,
  { maxAge, rotateAfter }: { readonly maxAge: number; readonly rotateAfter: number | null },
): KeySetTiming {
  const poll = Math.min(Math.max(maxAge / 10, SECOND), 30 * SECOND);
  const announce = Math.max(maxAge, MIN_CACHE_TIME) + 2 * poll + clockSkew;
  return { poll, announce, outlast: accessTokenAge + announce, rotateAfter };
}

/** The key that signs, or null without keys. If all keys are still announced, the key that signs first. */
export function keyThatSigns<Key extends SigningKey>(keys: readonly Key[], now: number): Key | null {
  const signing = keys.filter(({ signsFrom }) => signsFrom <= now);
  const firstToSign = keys.toSorted((one, other) => one.signsFrom - other.signsFrom).slice(0, 1);
  return newestOf(signing.length > 0 ? signing : firstToSign);
}

export function stateOf(key: SigningKey, keys: readonly SigningKey[], now: number): KeyState {
  if (keyThatSigns(keys, now)?.id === key.id) return 'signing';
  return signsUntil(key, keys) <= now ? 'retired' : 'announced';
}

/** Until when tokens under the key are accepted; Infinity while no later key exists. */
export function publishedUntil(
  key: SigningKey,
  keys: readonly SigningKey[],
  { outlast }: Pick<KeySetTiming, 'outlast'>,
): number {
  return signsUntil(key, keys) + outlast;
}

/** Whether to announce the next key: no key exists, the algorithm changed, or the newest key is old enough. */
export function isRotationDue(
  keys: readonly SigningKey[],
  alg: KeyAlgorithm,
  { announce, rotateAfter }: KeySetTiming,
  now: number,
): boolean {
  const newest = newestOf(keys);
  if (newest === null) return true;
  // One announced key at a time. Otherwise replicas with different configurations would keep adding keys.
  if (newest.signsFrom > now) return false;
  if (newest.alg !== alg) return true;
  return rotateAfter !== null && now >= newest.signsFrom + rotateAfter - announce;
}

/** Number and times of the next key. The first key signs at once: no verifier has cached an earlier set. */
export function nextSchedule(
  keys: readonly SigningKey[],
  { announce }: Pick<KeySetTiming, 'announce'>,
  now: number,
  atOnce = false,
): KeySchedule {
  const newest = newestOf(keys);
  const wait = newest === null || atOnce ? 0 : announce;
  return { number: (newest?.number ?? 0) + 1, announcedAt: now, signsFrom: now + wait };
}

function newestOf<Key extends SigningKey>(keys: readonly Key[]): Key | null {
  return keys.reduce<Key | null>(
    (newest, key) => (newest !== null && newest.number > key.number ? newest : key),
    null,
  );
}

/** When a later key starts to sign; Infinity without one. */
function signsUntil({ number }: SigningKey, keys: readonly SigningKey[]): number {
  const later = keys.filter((key) => key.number > number);
  return Math.min(Number.POSITIVE_INFINITY, ...later.map(({ signsFrom }) => signsFrom));
}

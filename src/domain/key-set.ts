import type { Policy } from './policy.ts';

/** The algorithms whose signatures anyone can check (RFC 7518 section 3.1, RFC 8037 section 3.1). */
export const KEY_ALGORITHMS = ['EdDSA', 'ES256', 'RS256'] as const;

export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

/** What is known of a key that signs access tokens, apart from the key. Times in milliseconds since the epoch. */
export interface SigningKey {
  readonly id: string;
  readonly alg: KeyAlgorithm;
  /** Counts up: of the keys that may sign, the one with the highest number does. */
  readonly number: number;
  readonly announcedAt: number;
  readonly signsFrom: number;
}

/** What decides when a key signs and until when it is published. */
export type KeyTurn = Pick<SigningKey, 'number' | 'announcedAt' | 'signsFrom'>;

/**
 * `announced`: published, so that every verifier has met it before it signs. `retired`: signs no more, and stays
 * published until the last token under it has expired.
 */
export type KeyState = 'announced' | 'signing' | 'retired';

/** Spans in milliseconds. */
export interface KeySetTiming {
  /** Between two looks of a replica at the set. */
  readonly poll: number;
  /** From when a key is published to when it signs. */
  readonly announce: number;
  /** From when a key signs no more to when it is not published any more. */
  readonly outlast: number;
  /** How long a key signs; null: until somebody says so. */
  readonly rotateAfter: number | null;
}

const SECOND = 1_000;

/** For how long verifiers keep a set whatever its `max-age` says: many look for a new key twice a minute at most. */
const LEAST_CACHED = 30 * SECOND;

/**
 * The spans that keep every verifier from meeting a key that it cannot know: whoever fetched the set from a replica
 * that had not seen the new key yet (two looks back, since one may fail) must have fetched it anew before any
 * replica signs with it, by whatever clock. What holds for the new key's first token holds for the old one's last.
 */
export function keySetTiming(
  { accessTokenAge, clockSkew }: Pick<Policy, 'accessTokenAge' | 'clockSkew'>,
  { maxAge, rotateAfter }: { readonly maxAge: number; readonly rotateAfter: number | null },
): KeySetTiming {
  const poll = Math.min(Math.max(maxAge / 10, SECOND), 30 * SECOND);
  const announce = Math.max(maxAge, LEAST_CACHED) + 2 * poll + clockSkew;
  return { poll, announce, outlast: accessTokenAge + announce, rotateAfter };
}

/** The key that signs, or null if there is none. Where all are still announced, the one whose turn comes first. */
export function keyThatSigns<Key extends SigningKey>(keys: readonly Key[], now: number): Key | null {
  const mayWhenNoneMay = keys.toSorted((one, other) => one.signsFrom - other.signsFrom).slice(0, 1);
  const may = keys.filter(({ signsFrom }) => signsFrom <= now);
  return newestOf(may.length > 0 ? may : mayWhenNoneMay);
}

export function stateOf(key: SigningKey, keys: readonly SigningKey[], now: number): KeyState {
  if (keyThatSigns(keys, now)?.id === key.id) return 'signing';
  return signsUntil(key, keys) <= now ? 'retired' : 'announced';
}

/** Until when tokens under the key are to be accepted: for ever, while no later key is known. */
export function publishedUntil(
  key: SigningKey,
  keys: readonly SigningKey[],
  { outlast }: Pick<KeySetTiming, 'outlast'>,
): number {
  return signsUntil(key, keys) + outlast;
}

/** Whether the next key is to be announced: there is none, it is to be of another make, or its time has come. */
export function isRotationDue(
  keys: readonly SigningKey[],
  alg: KeyAlgorithm,
  { announce, rotateAfter }: KeySetTiming,
  now: number,
): boolean {
  const newest = newestOf(keys);
  if (newest === null) return true;
  // One at a time, or replicas that are configured differently would outdo each other.
  if (newest.signsFrom > now) return false;
  if (newest.alg !== alg) return true;
  return rotateAfter !== null && now >= newest.signsFrom + rotateAfter - announce;
}

/** Number and times of the next key. The very first one signs at once: no verifier knows another set. */
export function nextTurn(
  keys: readonly SigningKey[],
  { announce }: Pick<KeySetTiming, 'announce'>,
  now: number,
  atOnce = false,
): KeyTurn {
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

/** When the turn of a later key comes. */
function signsUntil({ number }: SigningKey, keys: readonly SigningKey[]): number {
  const later = keys.filter((key) => key.number > number);
  return Math.min(Number.POSITIVE_INFINITY, ...later.map(({ signsFrom }) => signsFrom));
}

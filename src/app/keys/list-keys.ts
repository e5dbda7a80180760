import {
  type KeySetTiming,
  type KeyState,
  publishedUntil,
  type SigningKey,
  stateOf,
} from '../../domain/key-set.ts';
import type { Clock } from '../../ports/clock.ts';

export interface KeyInSet extends SigningKey {
  readonly state: KeyState;
  /** Infinity: no later key is known. */
  readonly publishedUntil: number;
}

interface Deps {
  readonly signingKeys: { list(): Promise<readonly SigningKey[]> };
  readonly timing: KeySetTiming;
  readonly clock: Clock;
}

/** The keys of the set, and where each of them stands. */
export const listKeys = ({ signingKeys, timing, clock }: Deps) => {
  return async (): Promise<readonly KeyInSet[]> => {
    const keys = await signingKeys.list();
    return keys.map((key) => ({
      ...key,
      state: stateOf(key, keys, clock()),
      publishedUntil: publishedUntil(key, keys, timing),
    }));
  };
};

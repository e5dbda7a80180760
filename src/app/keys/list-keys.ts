import {
  type KeySetTiming,
  type KeyState,
  publishedUntil,
  type SigningKey,
  stateOf,
} from '../../domain/key-set.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CheckKey, KeyFault } from '../../ports/security/key-maker.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';

export interface KeyInSet extends SigningKey {
  readonly state: KeyState | 'refused';
  /** Why the key is refused. Null: it is not refused. */
  readonly fault: KeyFault | null;
  /** Milliseconds since the epoch. Infinity: no later key is known. 0: the key is refused, and not published. */
  readonly publishedUntil: number;
}

interface Deps<Key extends SigningKey> {
  readonly signingKeys: { list(): Promise<readonly Key[]> };
  readonly checkKey: (key: Key) => Promise<KeyFault | null>;
  readonly timing: KeySetTiming;
  readonly clock: Clock;
}

/** The keys of the set with their states. A refused key does not influence the states of the other keys. */
export const listKeys = <Key extends SigningKey>({ signingKeys, checkKey, timing, clock }: Deps<Key>) => {
  return async (): Promise<readonly KeyInSet[]> => {
    const keys = await signingKeys.list();
    const checked = await Promise.all(keys.map(async (key) => ({ key, fault: await checkKey(key) })));
    const usable = checked.filter(({ fault }) => fault === null).map(({ key }) => key);
    return checked.map(({ key, fault }) =>
      fault === null
        ? {
            ...key,
            fault,
            state: stateOf(key, usable, clock()),
            publishedUntil: publishedUntil(key, usable, timing),
          }
        : { ...key, fault, state: 'refused', publishedUntil: 0 },
    );
  };
};

/** The stored keys that are not refused. A refused key neither signs nor counts as announced. */
export async function usableKeys(
  checkKey: CheckKey,
  keys: readonly SealedKey[],
): Promise<readonly SealedKey[]> {
  const faults = await Promise.all(keys.map(checkKey));
  return keys.filter((_, index) => faults[index] === null);
}

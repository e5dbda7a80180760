import type { CheckKey } from '../../ports/security/key-maker.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';

/** The stored keys that are not refused. A refused key neither signs nor counts as announced. */
export async function usableKeys(
  checkKey: CheckKey,
  keys: readonly SealedKey[],
): Promise<readonly SealedKey[]> {
  const faults = await Promise.all(keys.map(checkKey));
  return keys.filter((_, index) => faults[index] === null);
}

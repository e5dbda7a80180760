import type { DpopNonces } from '../../ports/security/dpop.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import { deriveKey, isEqual, keyedHash } from './keyed.ts';

/** Milliseconds. A nonce is issued during one period, and is valid in that period and the next one. */
const PERIOD = 5 * 60_000;

/**
 * Creates nonces that need no storage. A nonce is the MAC of its period. Its key is derived from the newest hash key.
 * Nonces under older keys are also valid.
 *
 * @param hashKeys newest first
 */
export function createDpopNonces(hashKeys: readonly NamedKey[]): DpopNonces {
  const keys = hashKeys.map(({ bytes }) => deriveKey(bytes, 'kinship dpop nonce'));
  const [newest] = keys;
  if (newest === undefined) throw new Error('At least one hash key is needed.');
  const nonceOf = (key: typeof newest, period: number) =>
    keyedHash(key, 'dpop nonce', String(period)).subarray(0, 16).toString('base64url');

  return {
    current: (now) => nonceOf(newest, periodOf(now)),

    isValid(nonce, now, clockSkew) {
      const periods = new Set([periodOf(now), periodOf(now) - 1, periodOf(now + clockSkew)]);
      return keys.some((key) =>
        [...periods].some((period) => isEqual(Buffer.from(nonceOf(key, period)), Buffer.from(nonce))),
      );
    },
  };
}

function periodOf(now: number): number {
  return Math.floor(now / PERIOD);
}

import { type KeyAlgorithm, type KeySetTiming, nextSchedule } from '../../domain/key-set.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MakeKey } from '../../ports/security/key-maker.ts';
import type { SecurityEvent } from '../../ports/security-log.ts';
import type { SealedKey, SigningKeys } from '../../ports/stores/signing-keys.ts';

export interface KeyDeps {
  readonly signingKeys: SigningKeys;
  readonly makeKey: MakeKey;
  /** The algorithm of new keys. */
  readonly alg: KeyAlgorithm;
  readonly timing: KeySetTiming;
  readonly clock: Clock;
  readonly log: Log;
  /** Who changes the set: `automatic`, or an operator by name. For the log. */
  readonly by: string;
}

/**
 * Makes the successor of the newest of `keys` and announces it. With `atOnce` the key signs immediately. Null
 * if another process added the next key first.
 */
export const announceKey = ({ signingKeys, makeKey, alg, timing, clock, log, by }: KeyDeps) => {
  return async (keys: readonly SealedKey[], atOnce = false): Promise<SealedKey | null> => {
    const key = await makeKey(alg, nextSchedule(keys, timing, clock(), atOnce));
    if (!(await signingKeys.add(key))) return null;
    const event: SecurityEvent = 'signing_key_announced';
    const signsFrom = new Date(key.signsFrom).toISOString();
    log.info({ event, kid: key.id, alg, signsFrom, by }, 'signing key announced');
    return key;
  };
};

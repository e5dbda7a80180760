import type { ChangeOrigin, ChangeType, RecordedChange } from '../../domain/audit.ts';
import { type KeyAlgorithm, type KeySetTiming, nextSchedule } from '../../domain/key-set.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { MakeKey } from '../../ports/security/key-maker.ts';
import type { SecurityEvent } from '../../ports/security-log.ts';
import type { AuditEntry } from '../../ports/stores/audit-log.ts';
import type { SealedKey, SigningKeys } from '../../ports/stores/signing-keys.ts';
import { auditOnlyEntry } from '../change-entries.ts';

export interface KeyDeps {
  readonly signingKeys: SigningKeys;
  readonly makeKey: MakeKey;
  /** The algorithm of new keys. */
  readonly alg: KeyAlgorithm;
  readonly timing: KeySetTiming;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  /** Who changes the set: `automatic`, or an operator by name. For the log. */
  readonly by: string;
  /** Who changes the set, for the audit log. */
  readonly origin: ChangeOrigin;
}

/**
 * Makes a key that follows the newest key of `keys`, and announces it. With `atOnce` the key signs immediately. Null if
 * another process added the next key first.
 */
export const announceKey = (deps: KeyDeps) => {
  const { signingKeys, makeKey, alg, timing, clock, log, by } = deps;
  return async (keys: readonly SealedKey[], atOnce = false): Promise<SealedKey | null> => {
    const key = await makeKey(alg, nextSchedule(keys, timing, clock(), atOnce));
    const signsFrom = new Date(key.signsFrom).toISOString();
    if (!(await signingKeys.add(key, [keyEntry(deps, 'keys.announced', { kid: key.id, alg, signsFrom })])))
      return null;
    const event: SecurityEvent = 'signing_key_announced';
    log.info({ event, kid: key.id, alg, signsFrom, by }, 'signing key announced');
    return key;
  };
};

/** The entry of the audit log for a changed key. */
export function keyEntry(
  { newId, origin, clock }: Pick<KeyDeps, 'newId' | 'origin' | 'clock'>,
  type: Extract<ChangeType, `keys.${string}`>,
  data: { readonly kid: string } & RecordedChange['data'],
): AuditEntry {
  return auditOnlyEntry(newId, { type, occurredAt: clock(), userId: null, origin, data });
}

import { randomUUID } from 'node:crypto';
import { createKeySet, type KeySet } from '../../src/adapters/jose/key-set.ts';
import { createSealedKeys } from '../../src/adapters/jose/sealed-keys.ts';
import { maintainKeySet } from '../../src/app/keys/maintain-key-set.ts';
import { retireKey } from '../../src/app/keys/retire-key.ts';
import { rotateKey } from '../../src/app/keys/rotate-key.ts';
import { byCommand } from '../../src/domain/audit.ts';
import { type KeyAlgorithm, keySetTiming } from '../../src/domain/key-set.ts';
import type { Log } from '../../src/ports/log.ts';
import type { SealedKey } from '../../src/ports/stores/signing-keys.ts';
import { NOW } from './families.ts';
import { createMemorySigningKeys } from './memory/signing-keys.ts';
import { POLICY, someKey } from './sessions.ts';

export const SILENT_LOG: Log = { info() {}, warn() {}, error() {} };

/** What the replicas of one service share. */
export const sharedKeys = () => ({
  signingKeys: createMemorySigningKeys(),
  encryptionKeys: [someKey('seal-1')],
  time: { now: NOW },
});

/** The key set of one replica, with a key that signs, and the commands of an operator. */
export async function someKeySet(alg: KeyAlgorithm, shared = sharedKeys()) {
  const { signingKeys, encryptionKeys, time } = shared;
  const { make, open, check } = createSealedKeys(encryptionKeys);
  const timing = keySetTiming(POLICY, { maxAge: 300_000, rotateAfter: null });
  const deps = {
    signingKeys,
    makeKey: make,
    checkKey: check,
    alg,
    timing,
    clock: () => time.now,
    log: SILENT_LOG,
    by: 'operator ann',
    newId: randomUUID,
    origin: byCommand('ann'),
  };
  const maintain = maintainKeySet(deps);
  const openIntoRing = async (keys: readonly SealedKey[]) =>
    ring.replace(await Promise.all(keys.map(async (key) => ring.findStored(key.id) ?? (await open(key)))));
  const ring: KeySet = createKeySet({
    clock: deps.clock,
    timing,
    reload: async () => openIntoRing(await signingKeys.list()),
  });
  await openIntoRing(await maintain());
  return {
    shared,
    time,
    timing,
    ring,
    keySet: { signs: true, ring } as const,
    publishedKeys: ring.published,
    rotate: rotateKey(deps),
    retire: retireKey(deps),
    /** Adds and removes keys that are due, as each replica does periodically. */
    maintain: async () => openIntoRing(await maintain()),
  };
}

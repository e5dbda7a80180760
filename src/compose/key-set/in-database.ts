import { UnusableKey } from '../../adapters/jose/import-key.ts';
import { createKeySet } from '../../adapters/jose/key-set.ts';
import { createSealedKeys } from '../../adapters/jose/sealed-keys.ts';
import { maintainKeySet } from '../../app/keys/maintain-key-set.ts';
import { ConfigurationError } from '../../config.ts';
import { type KeyTurn, keySetTiming } from '../../domain/key-set.ts';
import type { SealedKey, SigningKeys } from '../../ports/stores/signing-keys.ts';
import type { KeySetDeps, KeySetOptions, KeySource } from './source.ts';
import { LOOK_PAUSE, throttle } from './throttle.ts';

/** Keys in the database: made here, sealed, and followed from replica to replica. */
export function createDatabaseKeySource(
  { keySet, policy }: KeySetOptions,
  { clock, log }: Omit<KeySetDeps, 'signingKeys'>,
  signingKeys: SigningKeys,
): KeySource {
  const timing = keySetTiming(policy, keySet);
  const { make, open } = createSealedKeys(keySet.encryptionKeys);
  const set = createKeySet({
    clock,
    timing,
    reload: throttle(LOOK_PAUSE, async () => show(await signingKeys.list(), tell)),
  });
  const { alg } = keySet;
  const gone = new Set<string>();
  let seen: ReadonlySet<string> = new Set();
  const keep =
    alg === null ? signingKeys.list : maintainKeySet({ signingKeys, makeKey: make, alg, timing, clock, log });

  return {
    set,
    poll: timing.poll,
    start: async () => show(await keep(), refuse),
    maintain: async () => show(await keep(), tell),
  };

  /** The others are still good where one is not. */
  async function show(keys: readonly SealedKey[], onFault: (kid: string, error: UnusableKey) => void) {
    const opened = await Promise.all(
      keys.map(async (key) => {
        try {
          const known = set.known(key.id);
          return known !== undefined && isUnchanged(known, key) ? known : await open(reappeared(key));
        } catch (error) {
          if (!(error instanceof UnusableKey)) throw error;
          onFault(key.id, error);
          return null;
        }
      }),
    );
    set.replace(opened.filter((key) => key !== null));
    const stored = new Set(keys.map(({ id }) => id));
    for (const id of seen) if (!stored.has(id)) gone.add(id);
    seen = stored;
  }

  /** The mark of a removal can be removed from the database too: this replica remembers what it saw go. */
  function reappeared(key: SealedKey): SealedKey {
    return gone.has(key.id) ? { ...key, wasRemoved: true } : key;
  }

  function tell(kid: string, err: UnusableKey): void {
    log.error({ err, kid }, 'a signing key cannot be used: tokens under it are refused here');
  }
}

function isUnchanged(known: KeyTurn, stored: SealedKey): boolean {
  return (
    !stored.wasRemoved &&
    known.number === stored.number &&
    known.announcedAt === stored.announcedAt &&
    known.signsFrom === stored.signsFrom
  );
}

function refuse(kid: string, { message }: UnusableKey): never {
  throw new ConfigurationError([
    `The signing key ${kid} ${message}: give that too, or take the key out (npm run keys -- retire ${kid}).`,
  ]);
}

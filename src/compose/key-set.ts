import { UnusableKey } from '../adapters/jose/import-key.ts';
import type { VerificationKeys } from '../adapters/jose/key-ring.ts';
import type { KeySource } from '../adapters/jose/key-source.ts';
import type { AccessKeySet } from '../adapters/jose/token-codec.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import { quote } from '../config/values.ts';
import { type Config, ConfigurationError } from '../config.ts';
import { keySetTiming } from '../domain/key-set.ts';
import { loadOnce } from '../lib/load-once.ts';
import type { Clock } from '../ports/clock.ts';
import type { NewId } from '../ports/new-id.ts';
import type { PublicKey } from '../ports/security/public-key.ts';
import type { SigningKeys } from '../ports/stores/signing-keys.ts';
import { type Background, startLoop } from './loop.ts';

export type KeySetAndPolicy = Pick<Config, 'keySet' | 'policy'>;

interface KeySetDeps {
  /** Loads the store of the keys. */
  readonly signingKeys: () => Promise<SigningKeys>;
  /** Whether this process makes and removes keys. Otherwise it only reads them. */
  readonly maintains: boolean;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Logger;
}

export interface AccessKeys {
  /** The keys that verify access tokens in addition to the configured keys. They may also sign. */
  readonly keySet: AccessKeySet;
  publishedKeys(): readonly PublicKey[];
  /** Starts to maintain the set in the background. */
  startMaintenance(): Background;
}

/** Opens the configured key set. Rejects with a {@link ConfigurationError} if a key of the set cannot be used. */
export async function openKeySet(config: KeySetAndPolicy, deps: KeySetDeps): Promise<AccessKeys> {
  if (config.keySet.alg === null) {
    return {
      keySet: { signs: false, ring: keysOfEarlierTokens(config, deps) },
      publishedKeys: () => [],
      startMaintenance: () => ({ stop: async () => {} }),
    };
  }
  const { set, start, maintain } = await openSource(config, deps);
  await start().catch((error: unknown) => {
    throw error instanceof UnusableKey ? new ConfigurationError([faultOf(error, config)]) : error;
  });
  const task = async () => {
    await maintain();
    return 0;
  };
  const { poll } = keySetTiming(config.policy, config.keySet);
  return {
    keySet: { signs: true, ring: set },
    publishedKeys: set.published,
    startMaintenance: () => startLoop(poll, task, deps.log),
  };
}

function faultOf(error: UnusableKey, { keySet: { file } }: KeySetAndPolicy): string {
  return file === null ? error.message : keyFileFault(file, error);
}

export function keyFileFault(file: string, { message }: UnusableKey): string {
  return `KEY_SET_FILE is ${quote(file)}, which cannot be used: ${message}.`;
}

/** Loads the adapters on demand, because few services have a key set and each import delays the start. */
async function openSource({ keySet, policy }: KeySetAndPolicy, deps: KeySetDeps): Promise<KeySource> {
  const { alg, file, encryptionKeys } = keySet;
  const { clock, newId, log, maintains } = deps;
  const options = { timing: keySetTiming(policy, keySet), clock, log };
  if (file !== null) {
    const { createFileKeySource } = await import('../adapters/jose/file-key-source.ts');
    return createFileKeySource({ ...options, path: file, alg });
  }
  const [{ createDatabaseKeySource }, { createSealedKeys }, { maintainKeySet }, signingKeys] =
    await Promise.all([
      import('../adapters/jose/database-key-source.ts'),
      import('../adapters/jose/sealed-keys.ts'),
      import('../app/keys/maintain-key-set.ts'),
      deps.signingKeys(),
    ]);
  const { list } = signingKeys;
  const { make: makeKey, check: checkKey } = createSealedKeys(encryptionKeys);
  const maintain =
    alg === null || !maintains
      ? list
      : maintainKeySet({ ...options, newId, signingKeys, makeKey, checkKey, alg });
  return createDatabaseKeySource({ ...options, encryptionKeys, list, maintain });
}

/**
 * With HS512 the key set signs nothing. It verifies the tokens that were issued before ACCESS_TOKEN_ALG changed. It
 * also verifies the tokens of replicas with the former configuration. The set is not maintained. It is read when such a
 * token arrives.
 */
function keysOfEarlierTokens(config: KeySetAndPolicy, deps: KeySetDeps): VerificationKeys {
  const { file, encryptionKeys } = config.keySet;
  const source = loadOnce(() => openSource(config, deps));
  return {
    find: () => undefined,
    async fetchUnknownKey(id) {
      if (file === null && encryptionKeys.length === 0) return undefined;
      return (await source()).set.fetchUnknownKey(id);
    },
  };
}

import type { KnownKeys } from '../../adapters/jose/key-ring.ts';
import type { AccessKeySet } from '../../adapters/jose/token-codec.ts';
import type { PublishedKeys } from '../../ports/security/public-key.ts';
import { type Background, startLoop } from '../loop.ts';
import type { KeySetDeps, KeySetOptions, KeySource } from './source.ts';

export interface AccessKeys {
  /** What signs access tokens beside, or instead of, the keys of the configuration. */
  readonly keySet: AccessKeySet;
  readonly publishedKeys: PublishedKeys;
  /** From now on the set is seen to in the background. */
  follow(): Background;
}

/** The keys that the configuration names: to be followed where they sign, else looked up when one is met. */
export async function openKeySet(config: KeySetOptions, deps: KeySetDeps): Promise<AccessKeys> {
  if (config.keySet.alg === null) {
    return {
      keySet: { signs: false, ring: keysOfEarlierTokens(config, deps) },
      publishedKeys: () => [],
      follow: () => ({ stop: async () => {} }),
    };
  }
  const { set, poll, start, maintain } = await openSource(config, deps);
  await start();
  const see = async () => {
    await maintain();
    return 0;
  };
  return {
    keySet: { signs: true, ring: set },
    publishedKeys: set.published,
    follow: () => startLoop(poll, see, deps.log),
  };
}

/** Loaded where it is wanted: few services have a key set, and all of them start. */
async function openSource(config: KeySetOptions, deps: KeySetDeps): Promise<KeySource> {
  const { file } = config.keySet;
  if (file !== null) return (await import('./in-file.ts')).createFileKeySource(config, deps, file);
  const [{ createDatabaseKeySource }, store] = await Promise.all([
    import('./in-database.ts'),
    deps.signingKeys(),
  ]);
  return createDatabaseKeySource(config, deps, store);
}

/**
 * With HS512 a key set is of no use but for tokens from before the change, or of replicas that have changed already.
 * So it is looked at when such a token comes, each time anew: nobody follows it.
 */
function keysOfEarlierTokens(config: KeySetOptions, deps: KeySetDeps): KnownKeys {
  const { file, encryptionKeys } = config.keySet;
  let source: Promise<KeySource> | undefined;
  return {
    find: () => undefined,
    async fetchUnknownKey(id) {
      if (file === null && encryptionKeys.length === 0) return undefined;
      source ??= openSource(config, deps);
      return (await source).set.fetchUnknownKey(id);
    },
  };
}

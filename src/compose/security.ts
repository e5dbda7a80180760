import { createArgon2id, createPasswordHasher, createTurns } from '../adapters/argon2/argon2id.ts';
import { type AccessKeySet, createTokenCodec } from '../adapters/jose/token-codec.ts';
import { createCommonPasswords } from '../adapters/passwords/common-passwords.ts';
import { createLinkSecrets } from '../adapters/secrets/link-secrets.ts';
import { createTokenSecrets } from '../adapters/secrets/token-secrets.ts';
import type { Config } from '../config.ts';

/** Signing needs the thread pool too, which has four threads. */
const ARGON2_AT_ONCE = { atOnce: 2, queue: 64 };

/** Tokens, hashes and links, under the keys of the configuration. */
export function createSecurity({ tokens, argon2 }: Pick<Config, 'tokens' | 'argon2'>, keySet: AccessKeySet) {
  const turns = createTurns(ARGON2_AT_ONCE);
  return {
    hashing: turns,
    codec: createTokenCodec({ ...tokens, keySet }),
    secrets: createTokenSecrets({
      keys: tokens.hashKeys,
      hasher: tokens.jtiHash,
      argon2Cost: argon2,
      argon2id: createArgon2id(turns),
    }),
    links: createLinkSecrets(tokens.hashKeys),
    passwords: createPasswordHasher(turns, argon2),
    isCommonPassword: createCommonPasswords(),
  };
}

import { createArgon2id, createPasswordHasher } from '../adapters/argon2/argon2id.ts';
import { createTurns } from '../adapters/argon2/turns.ts';
import { type AccessKeySet, createTokenCodec } from '../adapters/jose/token-codec.ts';
import { createCommonPasswords } from '../adapters/passwords/common-passwords.ts';
import { createIdentifierHash } from '../adapters/secrets/identifier-hash.ts';
import { createLinkSecrets } from '../adapters/secrets/link-secrets.ts';
import { createTokenSecrets } from '../adapters/secrets/token-secrets.ts';
import { createSecurityLog } from '../adapters/telemetry/security-log.ts';
import type { Config } from '../config.ts';
import type { Log } from '../ports/log.ts';

/** Signing needs the thread pool too, which has four threads. */
const PASSWORD_TURNS = { atOnce: 2, queue: 256, queueOfNetwork: 16 };

/** Refreshes whose hash of the `jti` is argon2id never wait behind passwords. */
const JTI_TURNS = { atOnce: 1, queue: 64 };

/** Tokens, hashes and links, under the keys of the configuration. */
export function createSecurity(
  { tokens, argon2 }: Pick<Config, 'tokens' | 'argon2'>,
  keySet: AccessKeySet,
  log: Log,
) {
  const turns = createTurns(PASSWORD_TURNS);
  const jtiTurns = createTurns(JTI_TURNS);
  return {
    hashing: {
      running: () => turns.running() + jtiTurns.running(),
      waiting: () => turns.waiting() + jtiTurns.waiting(),
    },
    codec: createTokenCodec({ ...tokens, keySet }),
    secrets: createTokenSecrets({
      keys: tokens.hashKeys,
      hasher: tokens.jtiHash,
      argon2Cost: argon2,
      argon2id: createArgon2id(jtiTurns),
    }),
    links: createLinkSecrets(tokens.hashKeys),
    securityLog: createSecurityLog(log, createIdentifierHash(tokens.hashKeys)),
    passwords: createPasswordHasher(turns, argon2),
    isCommonPassword: createCommonPasswords(),
  };
}

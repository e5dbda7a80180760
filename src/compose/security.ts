import { createArgon2id, createPasswordHasher } from '../adapters/argon2/argon2id.ts';
import { createFairQueue } from '../adapters/argon2/fair-queue.ts';
import { foreignPasswords } from '../adapters/foreign-passwords/foreign-passwords.ts';
import { createChallengeSealer } from '../adapters/jose/challenge-sealer.ts';
import { createDpopProofs } from '../adapters/jose/dpop-proofs.ts';
import { createEventTokens } from '../adapters/jose/event-tokens.ts';
import { createDataSealer } from '../adapters/jose/sealed-data.ts';
import { type AccessKeySet, createTokenCodec } from '../adapters/jose/token-codec.ts';
import { createTotp } from '../adapters/otpauth/totp.ts';
import { createBreachFile } from '../adapters/passwords/breach-file.ts';
import { createBreachRange } from '../adapters/passwords/breach-range.ts';
import { createCommonPasswordCheck } from '../adapters/passwords/common-passwords.ts';
import { createDpopNonces } from '../adapters/secrets/dpop-nonces.ts';
import { createIdentifierHash } from '../adapters/secrets/identifier-hash.ts';
import { createLinkSecrets } from '../adapters/secrets/link-secrets.ts';
import { createPageSecrets } from '../adapters/secrets/page-secrets.ts';
import { createRecoveryCodes } from '../adapters/secrets/recovery-codes.ts';
import { createSealMacs } from '../adapters/secrets/seal-macs.ts';
import { createTokenSecrets } from '../adapters/secrets/token-secrets.ts';
import { createWebhookSignatures } from '../adapters/secrets/webhook-signatures.ts';
import { createSecurityLog } from '../adapters/telemetry/security-log.ts';
import { createPasskeys } from '../adapters/webauthn/passkeys.ts';
import type { Config } from '../config.ts';
import { sleep } from '../lib/time.ts';
import type { Log } from '../ports/log.ts';
import type { IsBreachedPassword } from '../ports/security/password-lists.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** At most two of the four threads of Node's pool: signing with asymmetric keys needs the pool, too. */
const PASSWORD_QUEUE = { maxRunning: 2, maxWaiting: 256, maxWaitingOfNetwork: 16 };

/** With several workers, each worker has its own processor and computes one password hash at a time. */
const PASSWORD_QUEUE_OF_WORKER = { ...PASSWORD_QUEUE, maxRunning: 1 };

/** Hashes of `jti` have a queue of their own: with JTI_HASH=argon2id, a refresh must not wait for passwords. */
const JTI_QUEUE = { maxRunning: 1, maxWaiting: 64 };

/** Creates everything that needs the configured keys: tokens, hashes and links. */
export function createSecurity(
  {
    tokens,
    argon2,
    dataKeys,
    http,
    passkeys,
    dpopNonce,
    breaches,
    workers,
  }: Pick<
    Config,
    'tokens' | 'argon2' | 'dataKeys' | 'http' | 'passkeys' | 'dpopNonce' | 'breaches' | 'workers'
  >,
  keySet: AccessKeySet,
  log: Log,
  telemetry: Pick<Telemetry, 'breachSearchFailed'>,
  minimumRefusalTime: () => number,
) {
  const passwordQueue = createFairQueue(workers > 1 ? PASSWORD_QUEUE_OF_WORKER : PASSWORD_QUEUE);
  const jtiQueue = createFairQueue(JTI_QUEUE);
  return {
    hashing: {
      running: () => passwordQueue.running() + jtiQueue.running(),
      waiting: () => passwordQueue.waiting() + jtiQueue.waiting(),
    },
    codec: createTokenCodec({ ...tokens, keySet }),
    secrets: createTokenSecrets({
      keys: tokens.hashKeys,
      hasher: tokens.jtiHash,
      argon2Cost: argon2,
      argon2id: createArgon2id(jtiQueue),
    }),
    proofs: createDpopProofs(),
    nonces: dpopNonce ? createDpopNonces(tokens.hashKeys) : null,
    links: createLinkSecrets(tokens.hashKeys),
    pageSecrets: createPageSecrets(tokens.hashKeys),
    sealMacs: createSealMacs(tokens.hashKeys),
    securityLog: createSecurityLog(log, createIdentifierHash(tokens.hashKeys)),
    passwords: createPasswordHasher({
      turns: passwordQueue,
      cost: argon2,
      foreign: foreignPasswords,
      refusalTime: { minimum: minimumRefusalTime, clock: () => performance.now(), sleep },
    }),
    isCommonPassword: createCommonPasswordCheck(),
    isBreachedPassword: createBreachSearch(breaches, log, telemetry),
    totp: createTotp(http.serviceName),
    sealer: createDataSealer(dataKeys),
    webhookSignatures: createWebhookSignatures(),
    signsEventTokens: keySet.signs,
    eventTokens: createEventTokens(tokens.issuers[0] ?? '', keySet),
    recoveryCodes: createRecoveryCodes(),
    passkeys: createPasskeys({ ...passkeys, rpName: http.serviceName }),
    challenges: createChallengeSealer(tokens.hashKeys),
  };
}

/** A failed search accepts the password. Otherwise no user could set a password while the list is unavailable. */
function createBreachSearch(
  breaches: Config['breaches'],
  log: Log,
  telemetry: Pick<Telemetry, 'breachSearchFailed'>,
): IsBreachedPassword {
  const onFailure = (error: unknown) => {
    telemetry.breachSearchFailed();
    log.warn({ err: error }, 'breached passwords cannot be searched: a new password was accepted unsearched');
  };
  switch (breaches?.kind) {
    case 'url':
      return createBreachRange(breaches.url, onFailure);
    case 'file':
      return createBreachFile(breaches.path, onFailure);
    default:
      return async () => false;
  }
}

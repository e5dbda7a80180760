import { randomBytes, randomUUID } from 'node:crypto';
import { createArgon2id } from '../../src/adapters/argon2/argon2id.ts';
import { createFairQueue } from '../../src/adapters/argon2/fair-queue.ts';
import { createChallengeSealer } from '../../src/adapters/jose/challenge-sealer.ts';
import { createDpopProofs } from '../../src/adapters/jose/dpop-proofs.ts';
import { createDataSealer } from '../../src/adapters/jose/sealed-data.ts';
import { type AccessKeySet, createTokenCodec } from '../../src/adapters/jose/token-codec.ts';
import { createRevokedFamilies } from '../../src/adapters/memory/revoked-families.ts';
import { createMemoryUsedProofs } from '../../src/adapters/memory/used-proofs.ts';
import { createTotp } from '../../src/adapters/otpauth/totp.ts';
import { createDpopNonces } from '../../src/adapters/secrets/dpop-nonces.ts';
import { createLinkSecrets } from '../../src/adapters/secrets/link-secrets.ts';
import { createPageSecrets } from '../../src/adapters/secrets/page-secrets.ts';
import { createRecoveryCodes } from '../../src/adapters/secrets/recovery-codes.ts';
import { createTokenSecrets } from '../../src/adapters/secrets/token-secrets.ts';
import { createWebhookSignatures } from '../../src/adapters/secrets/webhook-signatures.ts';
import { createMetrics } from '../../src/adapters/telemetry/metrics.ts';
import { createPasskeys } from '../../src/adapters/webauthn/passkeys.ts';
import { createWebhookSender } from '../../src/adapters/webhooks/webhook-sender.ts';
import { endSession } from '../../src/app/sessions/end-session.ts';
import { openSession } from '../../src/app/sessions/open-session.ts';
import { refresh } from '../../src/app/sessions/refresh.ts';
import type { TokenPair } from '../../src/app/tokens/mint-pair.ts';
import { SYSTEM } from '../../src/domain/audit.ts';
import type { ClientInfo } from '../../src/domain/client-info.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { RevocationReason } from '../../src/domain/revocation.ts';
import type { NamedKey } from '../../src/ports/security/named-key.ts';
import type { PublicKey } from '../../src/ports/security/public-key.ts';
import type { SecurityLog } from '../../src/ports/security-log.ts';
import type { EmailChanges } from '../../src/ports/stores/email-changes.ts';
import type { EmailLinks } from '../../src/ports/stores/email-links.ts';
import type { SecondFactors } from '../../src/ports/stores/second-factors.ts';
import type { Tasks } from '../../src/ports/stores/tasks.ts';
import type { UsedDpopProofs } from '../../src/ports/stores/used-dpop-proofs.ts';
import type { Users } from '../../src/ports/stores/users.ts';
import type { Stores } from '../ports/token-families.ts';
import { NOW } from './families.ts';
import { createMemoryStores } from './memory/session-store.ts';

export const HOME: ClientInfo = { address: '203.0.113.1', userAgent: 'Browser/1.0' };
export const ELSEWHERE: ClientInfo = { address: '198.51.100.66', userAgent: 'curl/8.0' };

export const POLICY: Policy = {
  accessTokenAge: 15 * 60_000,
  refreshTokenAge: 30 * 86_400_000,
  sessionMaxAge: 90 * 86_400_000,
  sessionShortAge: 12 * 3_600_000,
  stepUpMaxAge: 10 * 60_000,
  sessionsPerUser: 50,
  retryWindow: 0,
  clockSkew: 5_000,
  onAddressChange: 'notify',
  onUserAgentChange: 'ignore',
  // No mail about new devices, because most tests check other mails.
  onNewDevice: 'ignore',
  dpop: 'optional',
};

/** The origin of the pages that use passkeys. */
export const PASSKEY_ORIGIN = 'http://localhost:3000';

export const someKey = (id: string): NamedKey => ({ id, bytes: randomBytes(64) });

export interface Keys {
  readonly accessKeys: readonly NamedKey[];
  readonly refreshKeys: readonly NamedKey[];
  readonly hashKeys: readonly NamedKey[];
  readonly dataKeys?: readonly NamedKey[];
}

export const someKeys = (): Keys => ({
  accessKeys: [someKey('access-1')],
  refreshKeys: [someKey('refresh-1')],
  hashKeys: [someKey('hash-1')],
});

/** The request that the DPoP proofs of `refresh` below name. */
export const REFRESH_REQUEST = { method: 'POST', url: 'https://auth.example.com/auth/refresh' };

export interface Settings {
  readonly policy?: Partial<Policy>;
  readonly stores?: Stores & {
    readonly users?: Users;
    readonly emailLinks?: EmailLinks;
    readonly emailChanges?: EmailChanges;
    readonly tasks?: Tasks;
    readonly secondFactors?: SecondFactors;
  };
  readonly keys?: Keys;
  /** A key set in addition to the configured keys. `publishedKeys` returns what is published. */
  readonly keySet?: AccessKeySet;
  readonly publishedKeys?: () => readonly PublicKey[];
  readonly time?: { now: number };
  readonly securityLog?: SecurityLog;
  readonly usedProofs?: UsedDpopProofs;
  readonly dpopNonce?: boolean;
  readonly jtiHash?: 'hmac-sha512' | 'argon2id';
  readonly legacyDoorsSkipSecondFactor?: boolean;
}

/** The use cases of sessions, with real cryptography and the given stores. The test sets the clock `time`. */
export async function sessionUseCases({
  policy = {},
  stores = createMemoryStores(),
  keys = someKeys(),
  keySet,
  publishedKeys = () => [],
  time = { now: NOW },
  jtiHash,
  usedProofs = createMemoryUsedProofs(),
  dpopNonce = false,
  securityLog = () => {},
  legacyDoorsSkipSecondFactor = false,
}: Settings = {}) {
  const clock = () => time.now;
  const metrics = createMetrics();
  const deps = {
    metrics,
    telemetry: metrics.telemetry,
    ...createMemoryStores(),
    ...stores,
    revoked: createRevokedFamilies(clock),
    codec: createTokenCodec({
      issuers: ['kinship'],
      audiences: ['kinship'],
      ...keys,
      ...(keySet && { keySet }),
    }),
    publishedKeys,
    proofs: createDpopProofs(),
    usedProofs,
    nonces: dpopNonce ? createDpopNonces(keys.hashKeys) : null,
    links: createLinkSecrets(keys.hashKeys),
    totp: createTotp('auth.example.com'),
    sealer: createDataSealer(keys.dataKeys ?? [someKey('data-1')]),
    recoveryCodes: createRecoveryCodes(),
    webhookSender: createWebhookSender({ allowedNetworks: ['127.0.0.0/8'] }),
    webhookSignatures: createWebhookSignatures(),
    signsEventTokens: keySet?.signs ?? false,
    challenges: createChallengeSealer(keys.hashKeys),
    passkeys: createPasskeys({ rpId: 'localhost', rpName: 'auth.example.com', origins: [PASSKEY_ORIGIN] }),
    legacyDoorsSkipSecondFactor,
    pageSecrets: createPageSecrets(keys.hashKeys),
    secrets: createTokenSecrets({
      keys: keys.hashKeys,
      hasher: jtiHash ?? 'hmac-sha512',
      argon2Cost: { memory: 64, time: 2, parallelism: 1 },
      argon2id: createArgon2id(createFairQueue({ maxRunning: 2, maxWaiting: 100 })),
    }),
    policy: { ...POLICY, ...policy },
    clock,
    newId: randomUUID,
    securityLog,
  };
  const exchange = refresh(deps);
  const open = openSession(deps);

  return {
    ...deps,
    time,
    end: (sessionId: string, userId: string, reason: RevocationReason) =>
      endSession(deps)(sessionId, userId, { reason, origin: SYSTEM }),

    logIn(values: Partial<Parameters<typeof open>[0]> = {}): Promise<TokenPair> {
      const input = { userId: randomUUID(), paired: true, door: 'canonical', clientId: 'kinship' } as const;
      return open({ ...input, contact: null, client: HOME, ...values });
    },

    refresh(
      pair: { refresh: string; access?: string | null },
      values: { client?: ClientInfo; key?: string; proof?: string } = {},
    ) {
      return exchange({
        refreshToken: pair.refresh,
        accessToken: pair.access ?? null,
        idempotencyKey: values.key ?? null,
        client: values.client ?? HOME,
        oauthClient: null,
        presented: { proof: values.proof ?? null, ...REFRESH_REQUEST },
      });
    },
  };
}

/** The result, or the code of the refusal. */
export async function outcome<T>(attempt: Promise<T>): Promise<T | string> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

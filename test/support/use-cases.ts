import { createMemoryCache } from '../../src/adapters/memory/cache.ts';
import { createUseCases } from '../../src/compose/use-cases.ts';
import { ATTEMPT_POLICY } from '../../src/domain/attempts.ts';
import type { EmailVerification } from '../../src/domain/email-address.ts';
import type { PasswordHasher } from '../../src/ports/security/password-hasher.ts';
import type { Attempts } from '../../src/ports/stores/attempts.ts';
import { type Settings, sessions } from './sessions.ts';

/** Without limits, so that proofs alone decide. */
const UNLIMITED: Attempts = {
  begin: async () => ({ allowed: true }),
  recordSuccess: async () => {},
  recordRecovery: async () => {},
  countAction: async () => ({ allowed: true, remaining: 1, retryAfter: 0 }),
};

/** A hash that can be read, because its cost is no subject of these tests. */
const READABLE: PasswordHasher = {
  hash: async (password) => `hash of ${password}`,
  verify: async (hash, password) => hash === `hash of ${password}`,
  isOutdated: () => false,
};

/** All use cases without limits of attempts, for properties that play many lives. The stores are in memory if not given. */
export async function unlimitedUseCases(
  emailVerification: EmailVerification,
  settings: Pick<Settings, 'stores'> = {},
) {
  const service = await sessions(settings);
  const limit = { count: 1_000_000, perMilliseconds: 1 };
  const use = createUseCases({
    ...service,
    operatorsNeedSecondFactor: false,
    passwords: READABLE,
    attempts: UNLIMITED,
    proofAttempts: UNLIMITED,
    cache: createMemoryCache(),
    isCommonPassword: () => false,
    isBreachedPassword: async () => false,
    serviceName: 'auth.example.com',
    limits: {
      attempts: ATTEMPT_POLICY,
      logins: limit,
      loginsOfNetwork: limit,
      registrations: limit,
      resetMails: limit,
      revocationConsumers: 1,
    },
    emailVerification,
    log: { trace() {}, debug() {}, info() {}, warn() {}, error() {} } as never,
  });
  return { service, use };
}

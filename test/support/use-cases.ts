import { createMemoryCache } from '../../src/adapters/memory/cache.ts';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { createDeferredWork } from '../../src/compose/deferred-work.ts';
import { createUseCases } from '../../src/compose/use-cases.ts';
import { ATTEMPT_POLICY } from '../../src/domain/attempts.ts';
import type { EmailVerification } from '../../src/domain/email-address.ts';
import type { PasswordHasher } from '../../src/ports/security/password-hasher.ts';
import type { Attempts } from '../../src/ports/stores/attempts.ts';
import { type Settings, sessionUseCases } from './sessions.ts';

/** Attempts without limits, so that only the password or the second factor decides. */
const UNLIMITED: Attempts = {
  begin: async () => ({ allowed: true, raised: null }),
  recordSuccess: async () => {},
  recordRecovery: async () => {},
  countAction: async () => ({ allowed: true, remaining: 1, retryAfter: 0 }),
  uncountAction: async () => {},
};

/** A hasher without cryptography. The hash of a password is `hash of <password>`. */
const READABLE: PasswordHasher = {
  hash: async (password) => `hash of ${password}`,
  verify: async (hash, password) => hash === `hash of ${password}`,
  isOutdated: () => false,
};

/** All use cases share one log, because each log adds listeners to the process. */
const LOG = createLog('silent');

/**
 * All use cases without limits on attempts, for property tests with many random sequences. The default stores are in
 * memory.
 */
export async function unlimitedUseCases(
  emailVerification: EmailVerification,
  settings: Pick<Settings, 'stores'> = {},
) {
  const service = await sessionUseCases(settings);
  const limit = { count: 1_000_000, perMilliseconds: 1 };
  const deferred = createDeferredWork(LOG);
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
    sendsMails: true,
    limits: {
      attempts: ATTEMPT_POLICY,
      logins: limit,
      loginsOfNetwork: limit,
      registrations: limit,
      resetMails: limit,
      revocationConsumers: 1,
    },
    emailVerification,
    deferWork: deferred.deferWork,
    log: LOG,
  });
  /** Waits until the mailed links are recorded. A request for such a link is answered before that. */
  const settle = () => deferred.stop();
  return { service, use, settle };
}

import type { Test } from 'tap';
import { createHttp, type HttpOptions } from '../../src/adapters/http/http.ts';
import { createLoginAuthorizer } from '../../src/adapters/http/server/authorize-login.ts';
import { createMemoryAttempts } from '../../src/adapters/memory/attempts.ts';
import { createMemoryCache } from '../../src/adapters/memory/cache.ts';
import { createCommonPasswordCheck } from '../../src/adapters/passwords/common-passwords.ts';
import { createIdentifierHash } from '../../src/adapters/secrets/identifier-hash.ts';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { readingsOf } from '../../src/adapters/telemetry/overview.ts';
import { createSecurityLog } from '../../src/adapters/telemetry/security-log.ts';
import { readOverview } from '../../src/app/overview/read-overview.ts';
import { createDeferredWork } from '../../src/compose/deferred-work.ts';
import { createUseCases } from '../../src/compose/use-cases.ts';
import { ATTEMPT_POLICY } from '../../src/domain/attempts.ts';
import type { EmailVerification } from '../../src/domain/email-address.ts';
import type { Limits } from '../../src/domain/limits.ts';
import { PROOF_ATTEMPT_POLICY } from '../../src/domain/second-factor.ts';
import type { PasswordHasher } from '../../src/ports/security/password-hasher.ts';
import type { IsBreachedPassword } from '../../src/ports/security/password-lists.ts';
import { passwordHasher } from './passwords.ts';
import { HOME, type Settings, sessionUseCases, someKeys } from './sessions.ts';

export const SERVICE_KEY = 'a-service-key-of-more-than-32-bytes-for-tests';
const ADMIN_KEY = `admin-${SERVICE_KEY}`;
/** Contains characters that a header or a form must encode. */
export const RESOURCE_KEY = `introspect+%:/&=${SERVICE_KEY}`;

/** Sessions that this key opens are confidential. */
export const CONFIDENTIAL_KEY = `confidential-${SERVICE_KEY}`;

/** The key of resource servers that read which sessions have ended. */
export const VERIFY_KEY = `verify-${SERVICE_KEY}`;

/** The keys of two receivers of Shared Signals. */
export const SIGNALS_KEY = `signals-${SERVICE_KEY}`;
export const OTHER_SIGNALS_KEY = `other-signals-${SERVICE_KEY}`;

export const serviceKeys = [
  { name: 'backend', scopes: ['login'], secret: SERVICE_KEY },
  { name: 'watcher', scopes: ['metrics'], secret: `other-${SERVICE_KEY}` },
  { name: 'web', scopes: ['login', 'confidential'], secret: CONFIDENTIAL_KEY },
  { name: 'operator', scopes: ['admin'], secret: ADMIN_KEY },
  { name: 'resource', scopes: ['introspect'], secret: RESOURCE_KEY },
  { name: 'verifier', scopes: ['verify'], secret: VERIFY_KEY },
  { name: 'receiver', scopes: ['signals'], secret: SIGNALS_KEY },
  { name: 'other-receiver', scopes: ['signals'], secret: OTHER_SIGNALS_KEY },
] as const;

/** The default limits. */
const LIMITS: Limits = {
  attempts: ATTEMPT_POLICY,
  logins: { count: 60, perMilliseconds: 60_000 },
  loginsOfNetwork: { count: 300, perMilliseconds: 60_000 },
  registrations: { count: 20, perMilliseconds: 3_600_000 },
  resetMails: { count: 3, perMilliseconds: 3_600_000 },
  revocationConsumers: 100,
};

/** Options of the HTTP adapter that a test replaces, from all groups. */
export type HttpOverrides = Partial<
  HttpOptions['useCases'] & HttpOptions['config'] & HttpOptions['keys'] & HttpOptions['observability']
>;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** The overview of a service without a key set. */
function overviewOf({ metrics, families, clock }: Awaited<ReturnType<typeof sessionUseCases>>) {
  const readReadings = async () => readingsOf(await metrics.samples());
  const replica = 'test:3000';
  return readOverview({ replica, readReadings, families, checks: {}, listKeys: async () => [], clock });
}

/** Starts the service in this process, on a loopback socket. Its log lines are in `lines`. */
export async function startHttpService(
  t: Pick<Test, 'teardown'>,
  settings: Settings & {
    http?: HttpOverrides;
    limits?: Partial<Limits>;
    emailVerification?: EmailVerification;
    operatorsNeedSecondFactor?: boolean;
    isBreachedPassword?: IsBreachedPassword;
    sendsMails?: boolean;
    passwords?: PasswordHasher;
  } = {},
) {
  const lines: string[] = [];
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  const keys = settings.keys ?? someKeys();
  const securityLog = createSecurityLog(log, createIdentifierHash(keys.hashKeys));
  const service = await sessionUseCases({ securityLog, ...settings, keys });
  const hasher = settings.passwords ?? passwordHasher();
  let verifications = 0;
  const passwords: typeof hasher = {
    ...hasher,
    verify(...args) {
      verifications += 1;
      return hasher.verify(...args);
    },
  };
  const deps = {
    ...service,
    operatorsNeedSecondFactor: settings.operatorsNeedSecondFactor ?? false,
    passwords,
    attempts: createMemoryAttempts(),
    proofAttempts: createMemoryAttempts({ policy: PROOF_ATTEMPT_POLICY }),
    cache: createMemoryCache(),
    isCommonPassword: createCommonPasswordCheck(),
    isBreachedPassword: settings.isBreachedPassword ?? (async () => false),
    serviceName: 'auth.example.com',
    sendsMails: settings.sendsMails ?? true,
    deferWork: createDeferredWork(log).deferWork,
    limits: { ...LIMITS, ...settings.limits },
    // Off by default, because most tests are about other mails.
    emailVerification: settings.emailVerification ?? 'off',
    log,
  };
  const overrides = settings.http ?? {};
  const app = await createHttp({
    useCases: { ...createUseCases(deps), readOverview: overviewOf(deps), ...overrides },
    config: {
      publicUrl: null,
      currentNonce: service.nonces && (() => service.nonces?.current(service.time.now) ?? ''),
      serviceName: 'auth.example.com',
      accountPages: true,
      sendsMails: settings.sendsMails ?? true,
      emailVerification: deps.emailVerification,
      consoleFiles: null,
      issuer: 'kinship',
      signsEventTokens: service.signsEventTokens,
      trustProxy: [],
      corsOrigins: [],
      sessionCookies: false,
      serviceKeys,
      frontDoors: ['session-id', 'cookie-pair', 'task-api'],
      rateLimit: 1_000_000,
      authorizeLogin: createLoginAuthorizer('open', serviceKeys),
      ...overrides,
      limits: { drain: 0, ...overrides.limits },
    },
    keys: { publishedKeys: service.publishedKeys, keySetMaxAge: 300_000, ...overrides },
    observability: {
      log,
      checks: {},
      readOverload: () => null,
      onShed: service.metrics.shed,
      onRequestEnded: service.metrics.requestEnded,
      metrics: { ...service.metrics, access: 'open' },
      ...overrides,
    },
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => app.close());

  async function send(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(new URL(path, url), init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
  }

  return {
    ...service,
    attempts: deps.attempts,
    proofAttempts: deps.proofAttempts,
    app,
    url,
    lines,
    send,
    loginKey: SERVICE_KEY,
    adminKey: ADMIN_KEY,

    /** Gives the role `operator` to an account, or removes it (`isOperator: false`). */
    setOperator: (userId: string, isOperator = true) =>
      service.users.setRoles(userId, isOperator ? ['operator'] : [], []),
    /** How many passwords were verified so far. */
    verifications: () => verifications,

    post: (path: string, body?: unknown, headers: Record<string, string> = {}) =>
      send(path, {
        method: 'POST',
        headers: {
          'user-agent': HOME.userAgent,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  };
}

export type HttpService = Awaited<ReturnType<typeof startHttpService>>;

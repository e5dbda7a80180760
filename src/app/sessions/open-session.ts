import { clientFacts } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type CurrentPair, expiriesFrom, type Login, openFamily } from '../../domain/token-family.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { mintPair, type TokenPair } from './mint-pair.ts';
import { reportEnded } from './remember-ended.ts';

export interface OpenSessionDeps {
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

/** The user and the options of a new session. */
export type NewSession = Omit<Login, 'tokenFamily'>;

/** Opens a session for a user whom a trusted backend names, and returns the first pair. */
export const openSession = (deps: OpenSessionDeps) => {
  const open = openSessionIf(deps);

  return async (session: NewSession): Promise<TokenPair> => {
    const pair = await open(session);
    if (pair === null) throw new Refusal('invalid_credentials');
    return pair;
  };
};

/** Opens a session and returns the first pair; null if the user's password hash is not `ifPasswordHash`. */
export const openSessionIf = (deps: OpenSessionDeps) => {
  const mint = mintPair(deps);

  return async (session: NewSession, ifPasswordHash?: string): Promise<TokenPair | null> => {
    const now = deps.clock();
    const login = { ...session, tokenFamily: deps.newId() };
    const family = openFamily(login, await firstPair(deps, login, now), deps.policy);
    const event = {
      type: 'sessions.started',
      occurredAt: now,
      data: { sessionId: family.tokenFamily, userId: family.userId, ...clientFacts(session.client) },
    } as const;
    const ended = await deps.families.open(family, outboxEntries(deps.newId, [{ event }]), ifPasswordHash);
    if (ended === null) return null;
    const who = { userId: family.userId, address: session.client.address };
    reportEnded(deps, ended.sessions, { at: now, reason: 'session_limit' }, who);
    return mint(family, now);
  };
};

async function firstPair(
  { secrets, codec, policy }: OpenSessionDeps,
  login: Login,
  now: number,
): Promise<CurrentPair> {
  const { scheme } = secrets;
  const seed = secrets.newSeed();
  const { jti } = secrets.derive(scheme, { ...login, generation: 0, seed });
  return {
    generation: 0,
    hashedRefreshTokenId: await secrets.hashJti(scheme, login.tokenFamily, jti),
    previousHash: null,
    retryKeyHash: null,
    scheme,
    seed,
    ...codec.signingKeys,
    ...expiriesFrom(now, policy),
    ...clientFacts(login.client),
    productHash: login.client.productHash ?? null,
    rotatedAt: now,
  };
}

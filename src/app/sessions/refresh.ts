import type { Occurrence } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import type { RefreshContext } from '../../domain/refresh-context.ts';
import { judgeRefresh, type Verdict } from '../../domain/refresh-verdict.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import { isPaired } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { Scheme, TokenSecrets } from '../../ports/security/token-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { ExpectedFamily, TokenFamilies } from '../../ports/stores/token-families.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { revokeFamily } from '../revocation/revoke-family.ts';
import { mintPair, type TokenPair } from '../tokens/mint-pair.ts';
import { type Generation, nextGeneration } from '../tokens/next-generation.ts';
import { type RefreshInput, type VerifiedRefresh, verifyRefresh } from './verify-refresh.ts';

export interface RefreshDeps {
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
  /** Counts refreshes that return a pair, and reuse. */
  readonly telemetry: Pick<Telemetry, 'rotated' | 'healed' | 'repeated' | 'reuseDetected'>;
}

/** A verified refresh request, and the generation that a rotation would store. Every round uses the same generation. */
interface RefreshRequest
  extends VerifiedRefresh,
    Pick<RefreshInput, 'idempotencyKey' | 'client' | 'oauthClient'> {
  readonly next: Generation;
  readonly now: number;
}

/**
 * The maximum number of times that the row is read and judged, if concurrent requests change it or the result of a
 * change is unknown. After that the refresh is refused with `unavailable`.
 */
const ROUNDS = 3;

export type Refresh = (input: RefreshInput) => Promise<TokenPair>;

/**
 * Exchanges a token pair for its successor: executes the verdict of the domain.
 *
 * Rejects with a {@link Refusal}. If the database is unavailable, it rejects with `unavailable` and executes no verdict.
 */
export const refresh =
  (deps: RefreshDeps): Refresh =>
  async (input) => {
    const now = deps.clock();
    const { idempotencyKey, client, oauthClient } = input;
    const { claims, scheme } = await verifyRefresh(deps, input, now);
    const { tokenFamily, sub: userId } = claims;
    const generation = { tokenFamily, userId, previous: claims, idempotencyKey, client };
    const next = await nextGeneration(deps, generation, now);
    const request = { claims, scheme, next, now, idempotencyKey, client, oauthClient };
    return (await rotateOptimistically(deps, request)) ?? (await decideFromRow(deps, request));
  };

/**
 * Rotates without reading the row first, so that the usual refresh needs one statement. The expected row is built from
 * the token, the request and the policy. The rotation changes nothing if the real row differs in a column of
 * {@link ExpectedFamily}. Null: the row must be read.
 */
async function rotateOptimistically(deps: RefreshDeps, request: RefreshRequest): Promise<TokenPair | null> {
  // A refresh token does not say which OAuth client its session belongs to, so such a request must read the row.
  if (request.oauthClient !== null) return null;
  const context = await buildContext(deps, request.scheme, request);
  const verdict = judgeRefresh(expectedFamily(context, request.scheme, deps.policy), context, deps.policy);
  return verdict.kind === 'rotate' ? rotate(deps, verdict, context, request) : null;
}

async function decideFromRow(deps: RefreshDeps, request: RefreshRequest): Promise<TokenPair> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const family = await deps.families.find(request.claims.tokenFamily);
    if (family !== null && isOwnWrite(family, request)) {
      const pair = await mintPair(deps, family, request.now, request.next.ids);
      deps.telemetry.rotated();
      return pair;
    }
    const context = await buildContext(deps, family?.scheme ?? request.scheme, request);
    const verdict = judgeRefresh(family, context, deps.policy);
    const pair = await executeVerdict(deps, verdict, context, request);
    if (pair !== null) return pair;
  }
  throw new Refusal('unavailable');
}

/** Null: another request changed the row first, or the result of this change is unknown. */
async function executeVerdict(
  deps: RefreshDeps,
  verdict: Verdict<TokenFamily>,
  context: RefreshContext,
  request: RefreshRequest,
): Promise<TokenPair | null> {
  switch (verdict.kind) {
    case 'rotate':
      return rotate(deps, verdict, context, request);
    case 'repeat':
      await record(deps, context, verdict.occurrences);
      return reissuePair(deps, verdict.family, context);
    case 'refuse':
      await record(deps, context, verdict.occurrences);
      throw new Refusal(verdict.code, verdict.detail);
    case 'revoke':
      if (!(await revoke(deps, verdict, context))) return null;
      if (verdict.reason === 'reuse') deps.telemetry.reuseDetected(context.now - verdict.family.rotatedAt);
      throw new Refusal(verdict.code);
  }
}

async function rotate(
  deps: RefreshDeps,
  { family, heals, occurrences }: Extract<Verdict<ExpectedFamily>, { kind: 'rotate' }>,
  { retryKeyHash }: RefreshContext,
  { next, now }: RefreshRequest,
): Promise<TokenPair | null> {
  // When a family heals, the database has lost the latest rotations. The key hash in the row is that of an older rotation.
  const rotation = { expected: family, next: next.pair, unlessRetryKey: heals ? null : retryKeyHash };
  const rotated = await nullIfUnknown(deps.families.rotate(rotation, outboxEntries(deps.newId, occurrences)));
  if (rotated === null) return null;
  const pair = await mintPair(deps, rotated, now, next.ids);
  if (heals) deps.telemetry.healed();
  else deps.telemetry.rotated();
  return pair;
}

/** Mints the family's current pair again, for a retry of the rotation that made it. */
async function reissuePair(
  deps: RefreshDeps,
  family: TokenFamily,
  { now }: RefreshContext,
): Promise<TokenPair> {
  const pair = await mintPair(deps, family, now);
  deps.telemetry.repeated(now - family.rotatedAt);
  return pair;
}

function revoke(
  deps: RefreshDeps,
  { reason, occurrences }: Extract<Verdict<TokenFamily>, { kind: 'revoke' }>,
  { claims, client, now }: RefreshContext,
): Promise<boolean> {
  const subject = { userId: claims.sub, address: client.address };
  return revokeFamily(deps, claims.tokenFamily, { at: now, reason }, occurrences, subject);
}

async function record(
  { families, newId }: RefreshDeps,
  { claims }: RefreshContext,
  occurrences: readonly Occurrence[],
): Promise<void> {
  if (occurrences.length > 0) await families.record(claims.tokenFamily, outboxEntries(newId, occurrences));
}

/** Builds the input of the verdict. `scheme` is the row's, or the token's if no row was read. */
async function buildContext(
  { secrets, revoked }: RefreshDeps,
  scheme: Scheme,
  { claims, client, oauthClient, idempotencyKey, next, now }: RefreshRequest,
): Promise<RefreshContext> {
  const { tokenFamily, jti } = claims;
  const precomputedHash = scheme === next.pair.scheme ? next.pair.previousHash : null;
  return {
    claims,
    client,
    oauthClient,
    now,
    remembered: revoked.recall(tokenFamily),
    hash: precomputedHash ?? (await secrets.hashJti(scheme, tokenFamily, jti)),
    retryKeyHash: idempotencyKey && secrets.hashRetryKey(scheme, tokenFamily, idempotencyKey),
  };
}

/** The row that the token, the request and the current policy imply. */
function expectedFamily({ claims, hash, client, now }: RefreshContext, scheme: Scheme, policy: Policy) {
  return {
    tokenFamily: claims.tokenFamily,
    userId: claims.sub,
    paired: isPaired(claims),
    clientId: '',
    confidential: false,
    onAddressChange: policy.onAddressChange,
    onUserAgentChange: policy.onUserAgentChange,
    generation: claims.generation,
    hashedRefreshTokenId: hash,
    scheme,
    previousHash: null,
    retryKeyHash: null,
    address: claims.userIp,
    userAgent: client.userAgent,
    productHash: client.productHash ?? null,
    rotatedAt: now,
    expiresAt: Number.POSITIVE_INFINITY,
    revoked: null,
  };
}

/** Whether an earlier round of this request rotated the row, although its answer was lost. */
function isOwnWrite(family: TokenFamily, { next }: RefreshRequest): boolean {
  return family.revoked === null && family.hashedRefreshTokenId === next.pair.hashedRefreshTokenId;
}

async function nullIfUnknown<T>(change: Promise<T>): Promise<T | null> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof StoreUnavailable && error.outcome === 'unknown') return null;
    throw error;
  }
}

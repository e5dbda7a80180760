import { byUser } from '../../domain/audit.ts';
import type { Occurrence } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import type { ExchangeKind, RefreshContext } from '../../domain/refresh-context.ts';
import { judgeRefresh, type Verdict } from '../../domain/refresh-verdict.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { HashScheme, RetryKey, TokenSecrets } from '../../ports/security/token-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { ExpectedFamily, Rotation, TokenFamilies } from '../../ports/stores/token-families.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { changeEntries } from '../change-entries.ts';
import { revokeFamily } from '../revocation/revoke-family.ts';
import { mintPair, type TokenPair } from '../tokens/mint-pair.ts';
import { type Generation, nextGeneration } from '../tokens/next-generation.ts';
import type { BindingProofDeps } from './require-session-key-proof.ts';
import { type RefreshInput, type VerifiedRefresh, verifyRefresh } from './verify-refresh.ts';

/** What the exchange of a refresh token needs. */
export interface ExchangeDeps extends BindingProofDeps {
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
  /** Counts exchanges that return a pair, reuse, and refused proofs of a key. */
  readonly telemetry: Pick<Telemetry, 'rotated' | 'healed' | 'reissued' | 'reuseDetected' | 'dpopRefused'>;
}

/**
 * A verified request, and the generation that a rotation would store. Every round of {@link decideFromRow} uses the
 * same generation.
 */
export interface ExchangeRequest extends VerifiedRefresh, Pick<RefreshInput, 'client' | 'oauthClient'> {
  readonly operation: ExchangeKind;
  readonly retryKey: RetryKey | null;
  readonly newGeneration: Generation;
  readonly now: number;
}

export type RotateVerdict<Family> = Extract<Verdict<Family>, { kind: 'rotate' }>;

/** How a verdict `rotate` is executed. */
export interface RotationSteps {
  /** Returns null if the row or the account has changed meanwhile. */
  readonly rotate: (
    verdict: RotateVerdict<TokenFamily>,
    context: RefreshContext,
  ) => Promise<TokenFamily | null>;
  /** Called once after the rotation, also if the row showed it because the database's answer was lost. */
  readonly onRotated: (family: TokenFamily) => void;
}

/**
 * The maximum number of times that the row is read and judged. Another round follows a concurrent change, or a change
 * with an unknown result. After that the exchange is refused with `unavailable`.
 */
const ROUNDS = 3;

/** Runs the checks that need no row, and prepares the next generation. Rejects with a {@link Refusal}. */
export async function beginExchange(
  deps: ExchangeDeps,
  operation: ExchangeKind,
  input: RefreshInput,
): Promise<ExchangeRequest> {
  const now = deps.clock();
  const { idempotencyKey, client, oauthClient } = input;
  const { claims, scheme } = await verifyRefresh(deps, input, now);
  const { tokenFamily, sub: userId } = claims;
  const retryKey = idempotencyKey === null ? null : { operation, key: idempotencyKey };
  const newGeneration = await nextGeneration(
    deps,
    { tokenFamily, userId, previous: claims, retryKey, client },
    now,
  );
  return { operation, claims, scheme, newGeneration, now, retryKey, client, oauthClient };
}

/** Reads the row, and executes the domain's verdict on it. */
export async function decideFromRow(
  deps: ExchangeDeps,
  request: ExchangeRequest,
  steps: RotationSteps,
): Promise<TokenPair> {
  let heals = false;
  for (let round = 0; round < ROUNDS; round += 1) {
    const family = await deps.families.find(request.claims.tokenFamily);
    if (family !== null && isOwnWrite(family, request)) {
      steps.onRotated(family);
      return issuePair(deps, { heals }, request, family);
    }
    const context = await buildContext(deps, family?.scheme ?? request.scheme, request);
    const verdict = judgeRefresh(family, context, deps.policy);
    const pair = await executeVerdict(deps, verdict, { context, request, steps });
    if (pair !== null) return pair;
    if (verdict.kind === 'rotate') heals = verdict.heals;
  }
  throw new Refusal('unavailable');
}

/** Returns null if another request changed the row first, or the outcome of this change is unknown. */
async function executeVerdict(
  deps: ExchangeDeps,
  verdict: Verdict<TokenFamily>,
  {
    context,
    request,
    steps,
  }: { readonly context: RefreshContext; readonly request: ExchangeRequest; readonly steps: RotationSteps },
): Promise<TokenPair | null> {
  switch (verdict.kind) {
    case 'rotate': {
      const rotated = await nullIfUnknown(steps.rotate(verdict, context));
      if (rotated === null) return null;
      steps.onRotated(rotated);
      return issuePair(deps, verdict, request, rotated);
    }
    case 'reissue':
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

/** The compare-and-set of a verdict. */
export function rotationOf(
  { family, heals }: RotateVerdict<ExpectedFamily>,
  { retryKeyHash }: RefreshContext,
  { newGeneration }: ExchangeRequest,
): Rotation {
  // A row that heals has lost its latest rotations. Its `retryKeyHash` belongs to an older rotation, so it is not
  // compared.
  return { expected: family, next: newGeneration.pair, unlessRetryKey: heals ? null : retryKeyHash };
}

/** Mints the pair of a rotation. */
export async function issuePair(
  deps: ExchangeDeps,
  { heals }: Pick<RotateVerdict<ExpectedFamily>, 'heals'>,
  { newGeneration, now }: ExchangeRequest,
  rotated: TokenFamily,
): Promise<TokenPair> {
  const pair = await mintPair(deps, rotated, now, newGeneration.ids);
  if (heals) deps.telemetry.healed();
  else deps.telemetry.rotated();
  return pair;
}

/** Mints the family's current pair again, for a retry of the rotation that made it. */
async function reissuePair(
  deps: ExchangeDeps,
  family: TokenFamily,
  { now }: RefreshContext,
): Promise<TokenPair> {
  const pair = await mintPair(deps, family, now);
  deps.telemetry.reissued(now - family.rotatedAt);
  return pair;
}

function revoke(
  deps: ExchangeDeps,
  { reason, occurrences }: Extract<Verdict<TokenFamily>, { kind: 'revoke' }>,
  { claims, client, now }: RefreshContext,
): Promise<boolean> {
  const family = { sessionId: claims.tokenFamily, userId: claims.sub };
  return revokeFamily(deps, family, { at: now, reason, origin: byUser(client) }, occurrences);
}

async function record(
  { families, newId }: ExchangeDeps,
  { claims, client }: RefreshContext,
  occurrences: readonly Occurrence[],
): Promise<void> {
  if (occurrences.length === 0) return;
  await families.record(claims.tokenFamily, changeEntries(newId, byUser(client), occurrences));
}

/** Builds the input of the verdict. `scheme` is the row's, or the token's if no row was read. */
export async function buildContext(
  { secrets, revoked }: ExchangeDeps,
  scheme: HashScheme,
  { operation, claims, client, oauthClient, retryKey, newGeneration, now }: ExchangeRequest,
): Promise<RefreshContext> {
  const { tokenFamily, jti } = claims;
  const precomputedHash =
    scheme === newGeneration.pair.scheme ? newGeneration.pair.hashedPreviousTokenId : null;
  return {
    operation,
    claims,
    client,
    oauthClient,
    now,
    knownRevocation: revoked.recall(tokenFamily),
    hashedTokenId: precomputedHash ?? (await secrets.hashJti(scheme, tokenFamily, jti)),
    retryKeyHash: retryKey && secrets.hashRetryKey(scheme, tokenFamily, retryKey),
  };
}

/** Whether an earlier round of this request rotated the row, although its answer was lost. */
function isOwnWrite(family: TokenFamily, { newGeneration }: ExchangeRequest): boolean {
  return family.revoked === null && family.hashedRefreshTokenId === newGeneration.pair.hashedRefreshTokenId;
}

/** Returns null if the outcome of the change is unknown. The change may have committed, so the row must be read. */
export async function nullIfUnknown<T>(change: Promise<T>): Promise<T | null> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof StoreUnavailable && error.outcome === 'unknown') return null;
    throw error;
  }
}

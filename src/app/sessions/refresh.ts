import type { Occurrence } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import {
  type JudgedFamily,
  judgeRefresh,
  type Presented,
  type Verdict,
} from '../../domain/refresh-verdict.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import { isPaired } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { ExpectedFamily, TokenFamilies } from '../../ports/stores/token-families.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { type Attempt, beginRefresh, type RefreshInput } from './begin-refresh.ts';
import { mintPair, type TokenPair } from './mint-pair.ts';
import { revokeFamily } from './revoke-family.ts';

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

/** How often the row is read while concurrent requests change it. Then the refresh is `unavailable`. */
const ROUNDS = 3;

/**
 * Exchanges a token pair for its successor: executes the verdict of the domain.
 *
 * Rejects with a {@link Refusal}. An unavailable database gives `unavailable`, never a verdict.
 */
export const refresh = (deps: RefreshDeps) => {
  const { families, revoked, policy, newId, telemetry } = deps;
  const begin = beginRefresh(deps);
  const mint = mintPair(deps);
  const revoke = revokeFamily(deps);

  return async (input: RefreshInput): Promise<TokenPair> => {
    const attempt = await begin(input);
    return (await rotateUnseen(attempt)) ?? (await judgeOnTheRow(attempt));
  };

  /**
   * Rotates without reading the row first, so that the usual refresh needs one statement. The expected row is built
   * from the token; the rotation changes nothing if the real row differs. Null: the row must be read.
   */
  async function rotateUnseen(attempt: Attempt): Promise<TokenPair | null> {
    // A refresh token does not contain the client of its session.
    if (attempt.oauthClient !== null) return null;
    const presented = await attempt.present(attempt.scheme);
    const verdict = judge(presume(attempt, presented, policy), presented, attempt);
    return verdict.kind === 'rotate' ? rotate(verdict, presented, attempt) : null;
  }

  async function judgeOnTheRow(attempt: Attempt): Promise<TokenPair> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const family = await families.find(attempt.claims.tokenFamily);
      if (family !== null && isOurOwn(family, attempt)) return hand(family, attempt, telemetry.rotated);
      const presented = await attempt.present(family?.scheme ?? attempt.scheme);
      const pair = await carryOut(judge(family, presented, attempt), presented, attempt);
      if (pair !== null) return pair;
    }
    throw new Refusal('unavailable');
  }

  function judge<Family extends JudgedFamily>(family: Family | null, presented: Presented, attempt: Attempt) {
    const remembered = revoked.recall(attempt.claims.tokenFamily);
    return judgeRefresh(family, presented, { policy, now: attempt.now, remembered });
  }

  /** Null: another request changed the row first, or the result of this change is unknown. */
  async function carryOut(verdict: Verdict<TokenFamily>, presented: Presented, attempt: Attempt) {
    const { tokenFamily } = attempt.claims;
    switch (verdict.kind) {
      case 'rotate':
        return rotate(verdict, presented, attempt);
      case 'repeat':
        await tell(tokenFamily, verdict.occurrences);
        return repeat(verdict.family, attempt);
      case 'refuse':
        await tell(tokenFamily, verdict.occurrences);
        throw new Refusal(verdict.code, verdict.detail);
      case 'revoke':
        if (!(await revokeAs(verdict, presented, attempt))) return null;
        if (verdict.reason === 'reuse') telemetry.reuseDetected(restOf(verdict.family, attempt));
        throw new Refusal(verdict.code);
    }
  }

  function revokeAs(
    { reason, occurrences }: Extract<Verdict<TokenFamily>, { kind: 'revoke' }>,
    { client: { address } }: Presented,
    { claims, now }: Attempt,
  ): Promise<boolean> {
    return revoke(claims.tokenFamily, { at: now, reason }, occurrences, { userId: claims.sub, address });
  }

  async function rotate(
    verdict: { family: ExpectedFamily; occurrences: readonly Occurrence[] },
    { claims, retryKeyHash }: Presented,
    attempt: Attempt,
  ): Promise<TokenPair | null> {
    const { family } = verdict;
    // A healed row has lost the latest rotations, so its `Idempotency-Key` belongs to an older one.
    const heals = claims.generation > family.generation;
    const rotation = { expected: family, next: attempt.next, unlessRetryKey: heals ? null : retryKeyHash };
    const rotated = await unlessUnknown(families.rotate(rotation, outboxEntries(newId, verdict.occurrences)));
    return rotated && hand(rotated, attempt, heals ? telemetry.healed : telemetry.rotated);
  }

  /** Mints the pair of this request's own rotation. */
  async function hand(family: TokenFamily, { now, nextIds }: Attempt, told: () => void): Promise<TokenPair> {
    const pair = await mint(family, now, nextIds);
    told();
    return pair;
  }

  /** Mints the pair of an earlier rotation again, for a retry. */
  async function repeat(family: TokenFamily, attempt: Attempt): Promise<TokenPair> {
    const pair = await mint(family, attempt.now);
    telemetry.repeated(restOf(family, attempt));
    return pair;
  }

  async function tell(tokenFamily: string, occurrences: readonly Occurrence[]): Promise<void> {
    if (occurrences.length > 0) await families.record(tokenFamily, outboxEntries(newId, occurrences));
  }
};

/** The row that the token and the current policy imply. */
function presume({ claims, scheme, now }: Attempt, { hash, client }: Presented, policy: Policy) {
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

/** Milliseconds since the family last rotated. */
function restOf({ rotatedAt }: Pick<TokenFamily, 'rotatedAt'>, { now }: Attempt): number {
  return now - rotatedAt;
}

/** Whether an earlier round of this request rotated the row, although its answer was lost. */
function isOurOwn(family: TokenFamily, { next }: Attempt): boolean {
  return family.revoked === null && family.hashedRefreshTokenId === next.hashedRefreshTokenId;
}

async function unlessUnknown<T>(change: Promise<T>): Promise<T | null> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof StoreUnavailable && error.outcome === 'unknown') return null;
    throw error;
  }
}

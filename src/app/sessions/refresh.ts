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
  /** Told how refreshes are answered with a pair, and of reuse. */
  readonly telemetry: Pick<Telemetry, 'rotated' | 'healed' | 'repeated' | 'reuseDetected'>;
}

/** How often the row is read anew when somebody else was faster, before the client is asked to try later. */
const ROUNDS = 3;

/**
 * Exchanges a token pair for its successor. The domain decides; this carries out.
 *
 * Rejects with a {@link Refusal}; a database that cannot be asked is `unavailable`, never a verdict.
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
   * Where all is well one statement is enough: the row is presumed to be as the token tells, and the rotation,
   * which takes place only if that is so, is tried straight away.
   */
  async function rotateUnseen(attempt: Attempt): Promise<TokenPair | null> {
    // A token does not tell for which client its session was opened.
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

  /** Null: somebody else changed the row first, or it is not known whether we did. */
  async function carryOut(verdict: Verdict<TokenFamily>, presented: Presented, attempt: Attempt) {
    const { tokenFamily } = attempt.claims;
    switch (verdict.kind) {
      case 'rotate':
        return rotate(verdict, presented, attempt);
      case 'repeat':
        await tell(tokenFamily, verdict.tell);
        return repeat(verdict.family, attempt);
      case 'refuse':
        await tell(tokenFamily, verdict.tell);
        throw new Refusal(verdict.code, verdict.detail);
      case 'revoke':
        if (!(await revokeAs(verdict, presented, attempt))) return null;
        if (verdict.reason === 'reuse') telemetry.reuseDetected(restOf(verdict.family, attempt));
        throw new Refusal(verdict.code);
    }
  }

  function revokeAs(
    { reason, tell }: Extract<Verdict<TokenFamily>, { kind: 'revoke' }>,
    { client: { address } }: Presented,
    { claims, now }: Attempt,
  ): Promise<boolean> {
    return revoke(claims.tokenFamily, { at: now, reason }, tell, { userId: claims.sub, address });
  }

  async function rotate(
    verdict: { family: ExpectedFamily; tell: readonly Occurrence[] },
    { claims, retryKeyHash }: Presented,
    attempt: Attempt,
  ): Promise<TokenPair | null> {
    const { family } = verdict;
    // What the row remembers of an earlier rotation says nothing about one that it has lost.
    const heals = claims.generation > family.generation;
    const rotation = { expected: family, next: attempt.next, unlessRetryKey: heals ? null : retryKeyHash };
    const rotated = await unlessUnknown(families.rotate(rotation, outboxEntries(newId, verdict.tell)));
    return rotated && hand(rotated, attempt, heals ? telemetry.healed : telemetry.rotated);
  }

  /** The pair that this attempt has made. */
  async function hand(family: TokenFamily, { now, nextIds }: Attempt, told: () => void): Promise<TokenPair> {
    const pair = await mint(family, now, nextIds);
    told();
    return pair;
  }

  /** The pair that an earlier one has made. */
  async function repeat(family: TokenFamily, attempt: Attempt): Promise<TokenPair> {
    const pair = await mint(family, attempt.now);
    telemetry.repeated(restOf(family, attempt));
    return pair;
  }

  async function tell(tokenFamily: string, occurrences: readonly Occurrence[]): Promise<void> {
    if (occurrences.length > 0) await families.record(tokenFamily, outboxEntries(newId, occurrences));
  }
};

/** The row as the token and today's policy have it. */
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

/** The answer to an earlier round was lost, but the row tells that it was ours. */
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

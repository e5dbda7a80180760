import fc from 'fast-check';
import t from 'tap';
import type { TokenPair } from '../../src/app/tokens/mint-pair.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import type { TokenFamilies } from '../../src/ports/stores/token-families.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { claimsOf, ELSEWHERE, HOME, outcome, sessions, someKeys } from '../support/sessions.ts';

/**
 * Any sequence of refreshes, replays, retries, revocations, lost answers and losses of the database, by a victim
 * and a thief, on two replicas whose clocks differ, keeps the invariants of a token family.
 */
type Step =
  | {
      readonly kind: 'refresh';
      readonly who: 'victim' | 'thief';
      readonly key: string | null;
      readonly lost: boolean;
    }
  | { readonly kind: 'steal' }
  | { readonly kind: 'replay'; readonly age: number }
  | { readonly kind: 'revoke' }
  | { readonly kind: 'backup' }
  | { readonly kind: 'restore' }
  | { readonly kind: 'wait'; readonly milliseconds: number };

const who = fc.constantFrom('victim' as const, 'thief' as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('refresh' as const),
      who,
      key: fc.constantFrom(null, 'k1', 'k2'),
      lost: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'steal' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('replay' as const), age: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'revoke' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'backup' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'restore' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      milliseconds: fc.constantFrom(1, 900, 20_000),
    }),
  },
);

const CLIENTS = { victim: HOME, thief: ELSEWHERE };
const SKEW = 5_000;

type Sessions = Awaited<ReturnType<typeof sessions>>;
type By = keyof typeof CLIENTS;

/** What is known of one family from outside, and what must hold whenever it is refreshed. */
function observe(first: TokenPair, row: TokenFamily, window: number) {
  const minted = [first];
  /** Successors by the jti that they were given for, since the database last lost something. */
  const successors = new Map<unknown, Set<unknown>>();
  const seen = { row, lost: false };

  return { minted, successors, seen, refresh };

  async function refresh(
    replica: Sessions,
    pair: TokenPair,
    by: By,
    key: string | null,
  ): Promise<TokenPair | null> {
    const before = seen.row;
    const answer = await outcome(
      replica.refresh(pair, { client: CLIENTS[by], ...(key !== null && { key }) }),
    );
    seen.row = await rowOf(replica, before.tokenFamily);
    if (before.revoked !== null) {
      same([typeof answer, seen.row], ['string', before], 'I4: revoked is for ever');
      return null;
    }
    if (typeof answer === 'object') checkSuccessor(pair, answer);
    await checkVerdict(pair, answer, before, { replica, key });
    if (typeof answer === 'string') return null;
    minted.push(answer);
    return answer;
  }

  function checkSuccessor(pair: TokenPair, answer: TokenPair): void {
    const presented = claimsOf(pair.refresh);
    const next = claimsOf(answer.refresh);
    const known = (successors.get(presented.jti) ?? new Set()).add(next.jti);
    successors.set(presented.jti, known);
    same(known.size, 1, 'I2: a token has one successor');
    same([next.sub, next.tokenFamily], [row.userId, row.tokenFamily], 'I6: user and family never change');
    same(next.generation, seen.row.generation, 'I1: the successor is the one unrotated generation');
    same(seen.row.revoked, null, 'I1: and its family lives');
  }

  async function checkVerdict(
    pair: TokenPair,
    answer: TokenPair | string,
    before: TokenFamily,
    by: { replica: Sessions; key: string | null },
  ): Promise<void> {
    const { generation, iat, jti } = claimsOf(pair.refresh) as {
      generation: number;
      iat: number;
      jti: string;
    };
    if (generation > before.generation) {
      const tooOld = iat < Math.floor((before.rotatedAt - SKEW) / 1000);
      same(answer === 'token_reused', tooOld, 'only what was minted after the last rotation heals');
    } else if (generation < before.generation && typeof answer === 'object') {
      same(seen.row, before, 'a retry changes nothing of the row');
      const hash = await by.replica.secrets.hashJti(before.scheme, before.tokenFamily, jti);
      same(
        [hash, isRetry(before, by)],
        [before.hashedPreviousTokenId, true],
        'I3: none but a retry is honoured twice',
      );
    } else if (generation < before.generation) {
      same([answer, seen.row.revoked?.reason], ['token_reused', 'reuse'], 'I3: revoked before the answer');
    } else if (answer === 'token_reused') {
      same(seen.lost, true, 'I3: the current token is never judged reuse');
    }
  }

  function isRetry(
    before: TokenFamily,
    { replica, key }: { replica: Sessions; key: string | null },
  ): boolean {
    const { scheme, tokenFamily, retryKeyHash, rotatedAt } = before;
    if (
      key !== null &&
      replica.secrets.hashRetryKey(scheme, tokenFamily, { operation: 'refresh', key }) === retryKeyHash
    )
      return true;
    return window > 0 && Math.abs(replica.time.now - rotatedAt) <= window + SKEW;
  }
}

async function rowOf({ families }: Sessions, tokenFamily: string): Promise<TokenFamily> {
  const row = await families.find(tokenFamily);
  if (row === null) throw new Error('the row is gone');
  return row;
}

/** Stores that can be thrown back to an earlier row of a family. */
function losable() {
  let current = createMemoryStores();
  const families: TokenFamilies = {
    open: (...args) => current.families.open(...args),
    update: (...args) => current.families.update(...args),
    find: (...args) => current.families.find(...args),
    rotate: (...args) => current.families.rotate(...args),
    stepUp: (...args) => current.families.stepUp(...args),
    revoke: (...args) => current.families.revoke(...args),
    revokeAll: (...args) => current.families.revokeAll(...args),
    list: (...args) => current.families.list(...args),
    record: (...args) => current.families.record(...args),
    purge: (...args) => current.families.purge(...args),
    forgetDevices: (...args) => current.families.forgetDevices(...args),
  };
  return {
    families,
    outbox: current.outbox,
    async backTo(row: TokenFamily) {
      current = createMemoryStores();
      await current.families.open(row, []);
    },
  };
}

/** Throws where the values differ, so that the property shrinks; quiet otherwise. */
function same(found: unknown, wanted: unknown, why: string): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${why}: found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
  }
}

async function play(steps: readonly Step[], retryWindow: number): Promise<void> {
  const stores = losable();
  const shared = { stores, keys: someKeys(), policy: { retryWindow, clockSkew: SKEW } };
  const replicas = [await sessions(shared), await sessions(shared)] as const;
  replicas[1].time.now -= SKEW - 1000;
  const first = await replicas[0].logIn();
  const { tokenFamily, sub } = claimsOf(first.refresh) as { tokenFamily: string; sub: string };
  const family = observe(first, await rowOf(replicas[0], tokenFamily), retryWindow);
  const holds: Record<By, TokenPair | null> = { victim: first, thief: null };
  let backup = family.seen.row;

  for (const [index, step] of steps.entries()) {
    const replica = replicas[index % 2 === 0 ? 0 : 1];
    switch (step.kind) {
      case 'refresh': {
        const pair = holds[step.who];
        const next = pair && (await family.refresh(replica, pair, step.who, step.key));
        if (next !== null && !step.lost) holds[step.who] = next;
        break;
      }
      case 'steal':
        holds.thief = holds.victim;
        break;
      case 'replay': {
        const old = family.minted.at(-1 - step.age);
        if (old !== undefined) await family.refresh(replica, old, 'thief', null);
        break;
      }
      case 'revoke':
        await replica.end(tokenFamily, sub, 'logout');
        family.seen.row = await rowOf(replica, tokenFamily);
        break;
      case 'backup':
        if (family.seen.row.revoked === null) backup = family.seen.row;
        break;
      case 'restore':
        // What a replica does that remembers a revocation which the database lost is another test's subject.
        if (family.seen.row.revoked !== null) break;
        await stores.backTo(backup);
        family.seen.row = backup;
        family.seen.lost = true;
        family.successors.clear();
        break;
      case 'wait':
        for (const { time } of replicas) time.now += step.milliseconds;
    }
  }
}

for (const retryWindow of [0, 10_000]) {
  t.test(`any sequence keeps the invariants, with a retry window of ${retryWindow} ms`, async (t) => {
    const sequences = fc.array(step, { minLength: 10, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(sequences, (steps) => play(steps, retryWindow)),
      { numRuns: 1500 },
    );
    t.pass('1500 sequences');
  });
}

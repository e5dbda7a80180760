import fc from 'fast-check';
import t from 'tap';
import type { VerifyIdentityProof } from '../../../src/app/accounts/verify-identity-proof.ts';
import { type StepUp, stepUp } from '../../../src/app/sessions/step-up.ts';
import type { TokenPair } from '../../../src/app/tokens/mint-pair.ts';
import { BY_CODE, BY_PASSWORD } from '../../../src/domain/authentication.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { TokenFamily } from '../../../src/domain/token-family.ts';
import type { StoredTotp } from '../../../src/ports/stores/second-factors.ts';
import { someUser } from '../../ports/users.ts';
import { NOW } from '../../support/families.ts';
import { claimsOf } from '../../support/forge.ts';
import { createMemoryStores } from '../../support/memory/session-store.ts';
import {
  ELSEWHERE,
  HOME,
  outcome,
  REFRESH_REQUEST,
  sessionUseCases,
  someKeys,
} from '../../support/sessions.ts';

/**
 * A victim and a thief use one token family, on two replicas whose clocks differ. The invariants of the family hold
 * after any sequence of refreshes, step-ups, replays, retries, revocations, lost answers and losses of the database.
 */
type Step =
  | {
      readonly kind: 'refresh';
      readonly who: 'victim' | 'thief';
      readonly key: string | null;
      readonly lost: boolean;
      /** Undefined for a refresh. Otherwise the step-up uses the code of this time step, or a wrong code. */
      readonly code: Code | undefined;
    }
  | { readonly kind: 'steal' }
  | { readonly kind: 'replay'; readonly age: number; readonly code: Code | undefined }
  | { readonly kind: 'revoke' }
  | { readonly kind: 'backup' }
  | { readonly kind: 'restore' }
  | { readonly kind: 'wait'; readonly milliseconds: number };

/** A code is the number of its time step. `WRONG` is the code of no time step. */
type Code = number;

const WRONG = -1;

const code = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 1, arbitrary: fc.constant(WRONG) },
);

const who = fc.constantFrom('victim' as const, 'thief' as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('refresh' as const),
      who,
      key: fc.constantFrom(null, 'k1', 'k2'),
      lost: fc.boolean(),
      code,
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'steal' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('replay' as const), age: fc.integer({ min: 1, max: 8 }), code }),
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

type Replica = Awaited<ReturnType<typeof sessionUseCases>> & { readonly stepUp: StepUp };
type Party = keyof typeof CLIENTS;

interface Attempt {
  readonly by: Party;
  readonly key: string | null;
  readonly code: Code | undefined;
}

/** Verifies a code, which is the number of a time step here. The real service computes it from the factor's secret. */
const verifyStep =
  ({ secondFactors }: Pick<Replica, 'secondFactors'>): VerifyIdentityProof =>
  async (userId, { code }) => {
    const [factor] = (await secondFactors.find(userId))?.factors ?? [];
    if (factor === undefined || Number(code) === WRONG) throw new Refusal('proof_refused');
    // The transaction decides whether the time step was used before, as it does when two requests race.
    return { proven: BY_CODE, use: { kind: 'totp', factorId: factor.id, step: Number(code) } };
  };

/** What an observer knows about one family, and the checks of each refresh. */
function createObserver(first: TokenPair, row: TokenFamily, window: number) {
  const minted = [first];
  /** The successor of each refresh token by the token's `jti`, since the last loss of the database. */
  const successors = new Map<unknown, Set<unknown>>();
  const seen = { row, lost: false, lastStep: WRONG };
  /** The request of each rotation, by the token hash that the rotation stored. */
  const rotations = new Map<string, Attempt>();

  return { minted, successors, seen, exchange };

  async function exchange(replica: Replica, pair: TokenPair, attempt: Attempt): Promise<TokenPair | null> {
    const before = seen.row;
    const answer = await outcome(send(replica, pair, attempt));
    seen.row = await rowOf(replica, before.tokenFamily);
    if (before.revoked !== null) {
      same([typeof answer, seen.row], ['string', before], 'I4: a revocation is final');
      return null;
    }
    if (typeof answer === 'object') checkSuccessor(pair, answer);
    checkAuthentication(answer, before, attempt);
    await checkVerdict(pair, answer, before, { replica, attempt });
    if (typeof answer === 'string') return null;
    minted.push(answer);
    return answer;
  }

  function send(replica: Replica, pair: TokenPair, { by, key, code }: Attempt): Promise<TokenPair> {
    const client = CLIENTS[by];
    if (code === undefined) return replica.refresh(pair, { client, ...(key !== null && { key }) });
    return replica.stepUp({
      refreshToken: pair.refresh,
      accessToken: pair.access,
      idempotencyKey: key,
      client,
      oauthClient: null,
      presented: { proof: null, ...REFRESH_REQUEST },
      proof: { code: String(code) },
    });
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

  function checkAuthentication(answer: TokenPair | string, before: TokenFamily, attempt: Attempt): void {
    const { code } = attempt;
    const { authentication, generation, rotatedAt } = seen.row;
    const rotated = generation !== before.generation;
    if (rotated) rotations.set(seen.row.hashedRefreshTokenId, attempt);
    if (answer === 'proof_refused' || answer === 'unavailable')
      same(seen.row, before, 'a refused proof changes nothing of the row');
    if (typeof answer === 'object') {
      const { auth_time, amr, acr } = claimsOf(answer.access);
      const { authTime, ...methods } = authentication;
      const wanted = [Math.floor(authTime / 1000), methods.amr, methods.acr];
      same([auth_time, amr, acr], wanted, 'the access token states the authentication of its row');
    }
    if (code === undefined || !rotated) {
      same(
        authentication,
        before.authentication,
        'only the rotation of a step-up changes the authentication',
      );
      return;
    }
    same(
      authentication,
      { ...BY_CODE, authTime: rotatedAt, generation },
      'a step-up was authenticated just now',
    );
    same(code > seen.lastStep, true, 'a code is good once, and never after a later one');
    seen.lastStep = code;
  }

  async function checkVerdict(
    pair: TokenPair,
    answer: TokenPair | string,
    before: TokenFamily,
    request: { replica: Replica; attempt: Attempt },
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
      const hash = await request.replica.secrets.hashJti(before.scheme, before.tokenFamily, jti);
      same(
        [hash, isRetry(before, request)],
        [before.hashedPreviousTokenId, true],
        'I3: only a retry gets the pair again',
      );
    } else if (generation < before.generation) {
      same([answer, seen.row.revoked?.reason], ['token_reused', 'reuse'], 'I3: revoked before the answer');
    } else if (answer === 'token_reused') {
      same(seen.lost, true, 'I3: the current token is never judged reuse');
    }
  }

  /**
   * Whether the request repeats the last rotation. The observer compares the requests; the service compares keyed
   * hashes.
   */
  function isRetry(
    { hashedRefreshTokenId, rotatedAt, authentication, generation }: TokenFamily,
    { replica, attempt: { key, code } }: { replica: Replica; attempt: Attempt },
  ): boolean {
    const rotation = rotations.get(hashedRefreshTokenId);
    const isStepUp = code !== undefined;
    if (key !== null && rotation?.key === key && (rotation.code !== undefined) === isStepUp) return true;
    if (isStepUp || authentication.generation === generation) return false;
    return window > 0 && Math.abs(replica.time.now - rotatedAt) <= window + SKEW;
  }
}

async function rowOf({ families }: Replica, tokenFamily: string): Promise<TokenFamily> {
  const row = await families.find(tokenFamily);
  if (row === null) throw new Error('the row is gone');
  return row;
}

const USER = someUser();

const FACTOR: StoredTotp = {
  id: '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11',
  userId: USER.id,
  kind: 'totp',
  label: 'phone',
  createdAt: NOW,
  confirmedAt: null,
  lastUsedAt: null,
  addedBy: null,
  totp: { sealedSecret: 'sealed', lastStep: null },
};

/** The stores of one user with a second factor. */
async function storesOfUser() {
  const stores = createMemoryStores();
  await stores.users.create(USER, []);
  await stores.secondFactors.add(FACTOR, null);
  await stores.secondFactors.confirm({ userId: USER.id, id: FACTOR.id, step: WRONG, at: NOW }, null, []);
  return stores;
}

/** Stores that can restore an earlier row of a family, like a database that lost changes. */
async function createLosableStores() {
  let current = await storesOfUser();
  const latest = <Name extends 'families' | 'secondFactors'>(name: Name) =>
    new Proxy(current[name], { get: (_, method) => Reflect.get(current[name], method) });
  return {
    families: latest('families'),
    secondFactors: latest('secondFactors'),
    outbox: current.outbox,
    async backTo(row: TokenFamily) {
      current = await storesOfUser();
      await current.families.open(row, []);
    },
  };
}

/** Throws if the values differ, so that fast-check shrinks the sequence. */
function same(found: unknown, wanted: unknown, why: string): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${why}: found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
  }
}

async function play(steps: readonly Step[], retryWindow: number): Promise<void> {
  const stores = await createLosableStores();
  const shared = { stores, keys: someKeys(), policy: { retryWindow, clockSkew: SKEW } };
  const replica = async (): Promise<Replica> => {
    const deps = await sessionUseCases(shared);
    return { ...deps, stepUp: stepUp({ ...deps, verifyProof: verifyStep(deps) }) };
  };
  const replicas = [await replica(), await replica()] as const;
  replicas[1].time.now -= SKEW - 1000;
  const first = await replicas[0].logIn({ userId: USER.id, authentication: BY_PASSWORD });
  const { tokenFamily, sub } = claimsOf(first.refresh) as { tokenFamily: string; sub: string };
  const family = createObserver(first, await rowOf(replicas[0], tokenFamily), retryWindow);
  const holds: Record<Party, TokenPair | null> = { victim: first, thief: null };
  let backup = family.seen.row;

  for (const [index, step] of steps.entries()) {
    const replica = replicas[index % 2 === 0 ? 0 : 1];
    switch (step.kind) {
      case 'refresh': {
        const pair = holds[step.who];
        const next = pair && (await family.exchange(replica, pair, { by: step.who, ...step }));
        if (next !== null && !step.lost) holds[step.who] = next;
        break;
      }
      case 'steal':
        holds.thief = holds.victim;
        break;
      case 'replay': {
        const old = family.minted.at(-1 - step.age);
        if (old !== undefined)
          await family.exchange(replica, old, { by: 'thief', key: null, code: step.code });
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
        // A replica may remember a revocation that the database lost. Other tests cover that case.
        if (family.seen.row.revoked !== null) break;
        await stores.backTo(backup);
        family.seen.row = backup;
        family.seen.lost = true;
        family.seen.lastStep = WRONG;
        family.successors.clear();
        break;
      case 'wait':
        for (const { time } of replicas) time.now += step.milliseconds;
    }
  }
}

/** Declares tests: the invariants of a token family hold in each of `numRuns` random sequences. */
export function testRefreshInvariants(numRuns: number): void {
  for (const retryWindow of [0, 10_000]) {
    t.test(`the invariants hold in any sequence, with a retry window of ${retryWindow} ms`, async (t) => {
      const sequences = fc.array(step, { minLength: 10, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(sequences, (steps) => play(steps, retryWindow)),
        { numRuns },
      );
      t.pass(`${numRuns} sequences`);
    });
  }
}

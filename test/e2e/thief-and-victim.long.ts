import fc from 'fast-check';
import tap, { type Test } from 'tap';
import type { TokenPair } from '../../src/app/tokens/mint-pair.ts';
import type { TokenFamilies } from '../../src/ports/stores/token-families.ts';
import type { Stores } from '../ports/token-families.ts';
import { NOW } from '../support/families.ts';
import { claimsOf } from '../support/forge.ts';
import { embeddedStores, postgresStores } from '../support/open-stores.ts';
import { ELSEWHERE, HOME, outcome, sessionUseCases, someKeys } from '../support/sessions.ts';

/** The kinds of stores for the stories. Each function opens new stores, or skips the test and returns null. */
const STORES: readonly {
  readonly name: string;
  readonly stories: number;
  open(t: Test): Promise<Stores | null>;
}[] = [
  { name: 'PostgreSQL', stories: 1_000, open: (t) => postgresStores(t, 8) },
  { name: 'the embedded database', stories: 1_000, open: embeddedStores },
];

/** One use of a pair: the current pair of the victim, the pair of the thief, or a pair that was replaced before. */
interface Move {
  readonly pair: 'of the victim' | 'of the thief' | 'replaced';
  /** Which of the replaced pairs is used, counted from the newest. */
  readonly age: number;
  /** All moves of a round may have one Idempotency-Key, like the retries of one client. */
  readonly key: 'none' | 'of the round' | 'another';
  readonly replica: 0 | 1;
}

/** Moves that are made concurrently. Before them the thief may copy the pair of the victim. */
interface Round {
  readonly theft: boolean;
  readonly moves: readonly Move[];
}

interface Story {
  readonly rounds: readonly Round[];
  /**
   * How many turns of the event loop each call to the database and each answer is delayed. The list is used in a cycle.
   */
  readonly pauses: readonly number[];
}

/** Mostly the first value. With more of the others, hardly any session would reach its third round. */
const mostly = <T>(first: T, ...others: readonly T[]) =>
  fc.oneof(
    { weight: 14, arbitrary: fc.constant(first) },
    ...others.map((other) => ({ weight: 1, arbitrary: fc.constant(other) })),
  );

const move: fc.Arbitrary<Move> = fc.record({
  pair: mostly<Move['pair']>('of the victim', 'of the thief', 'replaced'),
  age: fc.nat(3),
  key: mostly<Move['key']>('of the round', 'none', 'another'),
  replica: fc.constantFrom(0 as const, 1 as const),
});

const round: fc.Arbitrary<Round> = fc.record({
  theft: mostly(false, true),
  moves: fc.array(move, { minLength: 1, maxLength: 4 }),
});

const story: fc.Arbitrary<Story> = fc.record({
  rounds: fc.array(round, { minLength: 2, maxLength: 6 }),
  pauses: fc.array(fc.nat(4), { minLength: 7, maxLength: 7 }),
});

/** The same stores, with a delay before and after each call. */
function delayCalls(families: TokenFamilies, pause: () => Promise<void>): TokenFamilies {
  const withPauses = async <T>(step: () => Promise<T>): Promise<T> => {
    await pause();
    const result = await step();
    await pause();
    return result;
  };
  return {
    ...families,
    find: (...args) => withPauses(() => families.find(...args)),
    rotate: (...args) => withPauses(() => families.rotate(...args)),
    revoke: (...args) => withPauses(() => families.revoke(...args)),
    record: (...args) => withPauses(() => families.record(...args)),
  };
}

function createPause(pauses: readonly number[]): () => Promise<void> {
  let step = 0;
  return async () => {
    const turns = pauses[step++ % pauses.length] ?? 0;
    for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
  };
}

/** What an observer knows about one token: the successor in the answers for it, and the keys of those requests. */
interface Known {
  readonly successor: TokenPair;
  readonly keys: Set<string | null>;
  answers: number;
}

/** Observes the answers about one session, and throws if an invariant is violated. */
function createObserver(families: TokenFamilies, tokenFamily: string) {
  const known = new Map<string, Known>();
  const judgedReuse = new Set<string>();

  return { useToken, close };

  async function useToken(pair: TokenPair, key: string | null, refresh: () => Promise<TokenPair>) {
    const jti = jtiOf(pair);
    const isCopy = mustBeCopy(jti, key);
    const ended = judgedReuse.size > 0;
    const answer = await outcome(refresh());
    if (typeof answer === 'object') {
      check(!ended, 'no refresh that starts after the end of the session succeeds');
      check(!isCopy, 'a rotated token that comes back outside of the retry rule is refused');
      noteSuccess(jti, key, answer);
      return answer;
    }
    if (isCopy)
      check(answer === 'token_reused', `a copied token is refused with token_reused, not ${answer}`);
    if (answer === 'token_reused') {
      judgedReuse.add(jti);
      const row = await families.find(tokenFamily);
      check(row?.revoked?.reason === 'reuse', 'its session has ended before the answer');
    } else {
      check(['session_revoked', 'idempotency_key_reused'].includes(answer), `no other refusal: ${answer}`);
    }
    return null;
  }

  /** Whether an earlier request used the token, and this request is no retry of it under the rules. */
  function mustBeCopy(jti: string, key: string | null): boolean {
    const used = known.get(jti);
    if (used === undefined) return false;
    return key === null || !used.keys.has(key) || known.has(jtiOf(used.successor));
  }

  function noteSuccess(jti: string, key: string | null, pair: TokenPair): void {
    const { access, refresh } = pair;
    const used = known.get(jti) ?? { successor: pair, keys: new Set(), answers: 0 };
    known.set(jti, used);
    used.keys.add(key);
    used.answers += 1;
    check(
      used.successor.refresh === refresh && used.successor.access === access,
      'a token has one successor',
    );
    const repeated = used.keys.size === 1 && key !== null;
    check(
      used.answers === 1 || repeated,
      'a token is answered twice only if both requests have the same Idempotency-Key',
    );
  }

  /** Checks the final state of the session. Returns whether it has ended. */
  async function close(): Promise<boolean> {
    for (const jti of judgedReuse) check(known.has(jti), 'the current token is never judged reuse');
    const row = await families.find(tokenFamily);
    check(
      (row?.revoked != null) === judgedReuse.size > 0,
      'a session ends if a copy was used, and only then',
    );
    const generations = [...known.values()].map(({ successor }) => claimsOf(successor.refresh).generation);
    check(new Set(generations).size === generations.length, 'no generation has two tokens');
    check(row?.generation === known.size, 'each rotation was answered');
    return judgedReuse.size > 0;
  }
}

function jtiOf({ refresh }: TokenPair): string {
  return String(claimsOf(refresh).jti);
}

function check(holds: boolean, invariant: string): void {
  if (!holds) throw new Error(invariant);
}

/** Runs a story on a new session. Returns the session and whether it has ended. */
async function runStory({ rounds, pauses }: Story, stores: Stores) {
  const families = delayCalls(stores.families, createPause(pauses));
  const shared = { stores: { ...stores, families }, keys: KEYS };
  const replicas = [await sessionUseCases(shared), await sessionUseCases(shared)] as const;
  const first = await replicas[0].logIn();
  const tokenFamily = String(claimsOf(first.refresh).tokenFamily);
  const observer = createObserver(stores.families, tokenFamily);
  const held: { victim: TokenPair; thief: TokenPair | null } = { victim: first, thief: null };
  const replaced: TokenPair[] = [];

  const makeMove = async ({ pair: which, age, key, replica }: Move, roundKey: string) => {
    const by = which === 'of the victim' ? 'victim' : 'thief';
    const pair = which === 'replaced' ? replaced.at(-1 - age) : held[by];
    if (pair == null) return;
    const idempotencyKey = { none: null, another: 'another', 'of the round': roundKey }[key];
    const client = by === 'victim' ? HOME : ELSEWHERE;
    const next = await observer.useToken(pair, idempotencyKey, () =>
      replicas[replica].refresh(pair, { client, ...(idempotencyKey !== null && { key: idempotencyKey }) }),
    );
    if (next === null) return;
    replaced.push(pair);
    if (which !== 'replaced') held[by] = next;
  };

  for (const [index, { theft, moves }] of rounds.entries()) {
    if (theft) held.thief = held.victim;
    await Promise.all(moves.map((one) => makeMove(one, `round ${index}`)));
  }
  return { tokenFamily, ended: await observer.close() };
}

/** All stories share these keys and one set of stores. Each story has its own session. */
const KEYS = someKeys();

for (const { name, stories, open } of STORES) {
  tap.test(
    `on ${name}, each use of a copied token ends its session, with one mail, in ${stories} random stories`,
    async (t) => {
      const stores = await open(t);
      if (stores === null) return;
      const sessionsPlayed = new Map<string, boolean>();
      await fc.assert(
        fc.asyncProperty(story, async (one) => {
          const { tokenFamily, ended } = await runStory(one, stores);
          sessionsPlayed.set(tokenFamily, ended);
        }),
        { numRuns: stories },
      );
      const ends = [...sessionsPlayed.values()].filter(Boolean).length;
      t.equal(sessionsPlayed.size, stories);
      t.ok(ends > stories / 5 && ends < (stories * 9) / 10, `${ends} sessions were ended by a copy`);

      const later = NOW + 86_400_000;
      const mails = await stores.outbox.claim('mail', later, later, 100_000);
      const mailed = mails
        .filter(({ event }) => event.type === 'sessions.reuse_detected')
        .map(({ event }) => 'sessionId' in event.data && event.data.sessionId);
      const wanted = [...sessionsPlayed.keys()].filter((session) => sessionsPlayed.get(session));
      t.same(mailed.sort(), wanted.sort(), 'one mail about each of them');
    },
  );
}

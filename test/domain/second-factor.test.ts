import fc from 'fast-check';
import t from 'tap';
import { type AttemptState, beginAttempt, succeedAttempt } from '../../src/domain/attempts.ts';
import {
  type AnsweredChallenge,
  CHALLENGE_LIFE,
  countAnswer,
  isChallengeAlive,
  MAX_ANSWERS,
  useChallenge,
} from '../../src/domain/challenge.ts';
import {
  CONFIRM_WITHIN,
  canBeConfirmed,
  hasAddedFactor,
  isNextSignCount,
  isUnusedStep,
  labelFault,
  PROOF_ATTEMPT_POLICY,
  proofKinds,
} from '../../src/domain/second-factor.ts';

const NOW = 1_800_000_000_500;
const MINUTE = 60_000;

t.test('a login asks for the kinds of the confirmed factors', async (t) => {
  const confirmed = { kind: 'totp', confirmedAt: NOW } as const;
  const unconfirmed = { kind: 'totp', confirmedAt: null } as const;
  const table = [
    { name: 'no factor', factors: [], codes: 0, kinds: [] },
    { name: 'no factor, with codes', factors: [], codes: 10, kinds: [] },
    { name: 'a factor that is not confirmed', factors: [unconfirmed], codes: 10, kinds: [] },
    { name: 'a factor', factors: [confirmed], codes: 0, kinds: ['totp'] },
    {
      name: 'two factors of one kind',
      factors: [confirmed, confirmed, unconfirmed],
      codes: 0,
      kinds: ['totp'],
    },
    { name: 'a factor and codes', factors: [confirmed], codes: 1, kinds: ['totp', 'recovery_code'] },
  ] as const;
  for (const { name, factors, codes, kinds } of table) t.same(proofKinds(factors, codes), kinds, name);
});

t.test('only the session that added a confirmed factor counts as authenticated by it', async (t) => {
  const added = { addedBy: 'a session', confirmedAt: NOW };
  const table = [
    ['a factor that this session added', [added], true],
    ['a factor that this session added among others', [{ ...added, addedBy: 'another' }, added], true],
    ['a factor that another session added', [{ ...added, addedBy: 'another' }], false],
    ['an unconfirmed factor', [{ ...added, confirmedAt: null }], false],
    ['a factor of an older release', [{ ...added, addedBy: null }], false],
    ['none', [], false],
  ] as const;
  for (const [name, factors, expected] of table)
    t.equal(hasAddedFactor(factors, 'a session'), expected, name);
});

t.test('each answer to a challenge gives the expected state', async (t) => {
  const table: readonly (readonly [string, AnsweredChallenge | undefined, AnsweredChallenge | null])[] = [
    ['the first', undefined, { answers: 1, isUsed: false }],
    ['the fifth', { answers: MAX_ANSWERS - 1, isUsed: false }, { answers: MAX_ANSWERS, isUsed: false }],
    ['the sixth', { answers: MAX_ANSWERS, isUsed: false }, null],
    ['an answer to a used challenge', { answers: 1, isUsed: true }, null],
  ];
  for (const [name, before, after] of table) t.same(countAnswer(before), after, name);
  t.same(useChallenge(undefined), { answers: 1, isUsed: true }, 'an answer that was not counted before');
  t.same(useChallenge({ answers: 2, isUsed: false }), { answers: 2, isUsed: true });
  t.equal(useChallenge({ answers: 2, isUsed: true }), null);
});

t.test('in any order a challenge takes at most five answers and is used at most once', async () => {
  const steps = fc.array(fc.constantFrom('count', 'use'), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (order) => {
      let state: AnsweredChallenge | undefined;
      let answered = 0;
      let used = 0;
      for (const step of order) {
        const next = step === 'count' ? countAnswer(state) : useChallenge(state);
        if (next === null) continue;
        if (used > 0) return false;
        state = next;
        if (step === 'count') answered += 1;
        else used += 1;
      }
      return answered <= MAX_ANSWERS && used <= 1;
    }),
  );
});

t.test(
  'a challenge and an unconfirmed factor are valid until the last millisecond of their time',
  async (t) => {
    t.ok(isChallengeAlive({ expiresAt: NOW }, NOW - 1));
    t.notOk(isChallengeAlive({ expiresAt: NOW }, NOW));
    t.equal(CHALLENGE_LIFE, 5 * MINUTE);
    t.ok(canBeConfirmed({ createdAt: NOW, confirmedAt: null }, NOW + CONFIRM_WITHIN - 1));
    t.notOk(canBeConfirmed({ createdAt: NOW, confirmedAt: null }, NOW + CONFIRM_WITHIN));
    t.notOk(canBeConfirmed({ createdAt: NOW, confirmedAt: NOW }, NOW));
  },
);

t.test('no order of codes uses one time step twice, or an earlier time step after a later one', async () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (steps) => {
      const used: number[] = [];
      for (const step of steps) if (isUnusedStep(used.at(-1) ?? null, step)) used.push(step);
      return used.every((step, index) => index === 0 || step > (used[index - 1] ?? step));
    }),
  );
});

t.test('a label is one line of visible characters', async (t) => {
  for (const label of ['Phone', 'Ännes Telefon 📱', 'x'.repeat(64)]) t.equal(labelFault(label), null, label);
  const refused = ['', ' ', 'x'.repeat(65), 'a\nb', 'a\u0000', '\u202e', '\u2028', '\ud800'];
  for (const [index, label] of refused.entries())
    t.type(labelFault(label), 'string', `refused label ${index}`);
});

t.test('ten wrong proofs are free, then the waits grow', async (t) => {
  let state: AttemptState = { knownUntil: 0 };
  let now = NOW;
  const waits: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const begun = beginAttempt(state, PROOF_ATTEMPT_POLICY, now);
    state = { ...begun.state, ofNetwork: undefined };
    if (begun.verdict.allowed) {
      waits.push(0);
      continue;
    }
    waits.push(begun.verdict.retryAfter);
    now += begun.verdict.retryAfter * 1_000;
  }
  t.same(waits.slice(0, 10), Array(10).fill(0));
  const waited = waits.filter((wait) => wait > 0);
  t.same(waited, [30, 60, 120, 240, 480]);
});

t.test('wrong proofs from elsewhere do not delay the owner at a known network', async (t) => {
  const failures = { failures: 1_000, lastAt: NOW, forgottenUpTo: NOW };
  const known = {
    ...succeedAttempt({ knownUntil: 0 }, 'shared', PROOF_ATTEMPT_POLICY, NOW),
    atOtherNetworks: failures,
  };
  t.same(beginAttempt(known, PROOF_ATTEMPT_POLICY, NOW + 1).verdict, {
    allowed: true,
    raised: 'at_known_network',
  });
  t.match(beginAttempt({ knownUntil: 0, atOtherNetworks: failures }, PROOF_ATTEMPT_POLICY, NOW + 1).verdict, {
    allowed: false,
    retryAfter: 3_600,
  });
});

t.test('an attacker gets fewer than 45 guesses of a code in a day', async (t) => {
  let state: AttemptState = { knownUntil: 0 };
  let guesses = 0;
  for (let now = NOW; now < NOW + 24 * 60 * MINUTE; ) {
    const begun = beginAttempt(state, PROOF_ATTEMPT_POLICY, now);
    state = { ...begun.state, ofNetwork: undefined };
    if (begun.verdict.allowed) guesses += 1;
    else now += begun.verdict.retryAfter * 1_000;
  }
  t.ok(guesses < 45, `${guesses} guesses`);
});

t.test('a sign count must grow, unless the passkey does not count', async (t) => {
  const table = [
    [0, 0, true],
    [0, 1, true],
    [5, 6, true],
    [5, 5, false],
    [5, 4, false],
    [5, 0, false],
  ] as const;
  for (const [stored, next, isNext] of table)
    t.equal(isNextSignCount(stored, next), isNext, `${next} after ${stored}`);
});

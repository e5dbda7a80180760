import fc from 'fast-check';
import t from 'tap';
import {
  ATTEMPT_POLICY,
  type AttemptCount,
  type AttemptPolicy,
  type AttemptState,
  beginAttempt,
  type DelayPolicy,
  succeedAttempt,
} from '../../src/domain/attempts.ts';
import { countAction } from '../../src/domain/rate-limit.ts';

const NOW = 1_800_000_000_500;
const SECOND = 1_000;
const DAY = 86_400_000;

const count = (failures: number, ago = 0): AttemptCount => ({
  failures,
  lastAt: NOW - ago,
  forgottenUntil: NOW - ago,
});

t.test('each state gives the delay of the table', async (t) => {
  // What is known, the seconds to wait (0: allowed), and for whose count if not the account's.
  const table: readonly (readonly [string, Partial<AttemptState>, number, 'network'?])[] = [
    ['nothing', {}, 0],
    ['four failures on the account', { atOtherNetworks: count(4) }, 0],
    ['five', { atOtherNetworks: count(5) }, 1],
    ['five, nearly a second ago', { atOtherNetworks: count(5, SECOND - 1) }, 1],
    ['five, a second ago', { atOtherNetworks: count(5, SECOND) }, 0],
    ['six', { atOtherNetworks: count(6) }, 2],
    ['fourteen', { atOtherNetworks: count(14) }, 512],
    ['fifteen', { atOtherNetworks: count(15) }, 900],
    ['five thousand', { atOtherNetworks: count(5_000) }, 900],
    ['five thousand, yesterday', { atOtherNetworks: count(5_000, DAY) }, 0],
    ['nineteen at the network', { ofNetwork: count(19) }, 0],
    ['twenty', { ofNetwork: count(20) }, 1, 'network'],
    ['twenty-seven: one is forgotten first', { ofNetwork: count(27) }, 64, 'network'],
    ['twenty-seven, a minute ago', { ofNetwork: count(27, 60 * SECOND) }, 4, 'network'],
    ['thirty', { ofNetwork: count(30) }, 180, 'network'],
    ['thirty, eleven minutes ago', { ofNetwork: count(30, 660 * SECOND) }, 0],
    ['both: the longer wait', { atOtherNetworks: count(8), ofNetwork: count(22) }, 8],
    ['the other is longer', { atOtherNetworks: count(6), ofNetwork: count(23) }, 8, 'network'],
    [
      'a known network, others fail',
      { knownUntil: NOW + 1, atOtherNetworks: count(50), ofNetwork: count(50) },
      0,
    ],
    ['a known network, its own failures', { knownUntil: NOW + 1, atKnownNetwork: count(6) }, 2],
    ['no longer known', { knownUntil: NOW, atOtherNetworks: count(6) }, 2],
    ['a clock ahead of ours', { atOtherNetworks: count(5, -DAY) }, 1],
  ];
  for (const [name, known, seconds, counter = 'account'] of table) {
    const { verdict } = beginAttempt({ knownUntil: 0, ...known }, ATTEMPT_POLICY, NOW);
    t.same(
      verdict,
      seconds === 0 ? { allowed: true } : { allowed: false, counter, retryAfter: seconds },
      name,
    );
  }
});

t.test('an allowed attempt counts once, a refused one does not count', async (t) => {
  const begin = (state: AttemptState) => beginAttempt(state, ATTEMPT_POLICY, NOW).state;
  t.same(begin({ knownUntil: 0 }), { knownUntil: 0, atOtherNetworks: count(1), ofNetwork: count(1) });
  t.same(begin({ knownUntil: 0, atOtherNetworks: count(9, DAY), ofNetwork: count(3, 1) }), {
    knownUntil: 0,
    atOtherNetworks: count(1),
    ofNetwork: { ...count(4), forgottenUntil: NOW - 1 },
  });
  const known = { knownUntil: NOW + 1, atOtherNetworks: count(50), ofNetwork: count(50) };
  t.same(begin(known), { ...known, atKnownNetwork: count(1) });
  const blocked = { knownUntil: 0, atOtherNetworks: count(5), ofNetwork: count(3) };
  t.equal(begin(blocked), blocked, 'a refusal does not count');
});

t.test('a login resets the count of its network and takes back its own attempt', async (t) => {
  const succeed = (state: AttemptState) => succeedAttempt(state, ATTEMPT_POLICY, NOW);
  const knownUntil = NOW + 90 * DAY;
  t.match(succeed({ knownUntil: 0, atOtherNetworks: count(4), ofNetwork: count(1) }), {
    knownUntil,
    atOtherNetworks: count(3),
    ofNetwork: undefined,
  });
  const known = { knownUntil: NOW + 1, atOtherNetworks: count(50), ofNetwork: count(50) };
  t.match(succeed({ ...known, atKnownNetwork: count(7) }), {
    ...known,
    knownUntil,
    atKnownNetwork: undefined,
  });
  t.match(succeed({ knownUntil: 0 }), { knownUntil, atOtherNetworks: undefined, ofNetwork: undefined });
});

const delays: fc.Arbitrary<DelayPolicy> = fc.record({
  free: fc.integer({ min: 1, max: 6 }),
  firstDelay: fc.integer({ min: 1, max: 2_000 }),
  longestDelay: fc.integer({ min: 2_000, max: 30_000 }),
  quiet: fc.integer({ min: 30_001, max: 100_000 }),
  forgetOneAfter: fc.constant(null),
});

const policies: fc.Arbitrary<AttemptPolicy> = fc.record({
  account: delays,
  network: delays,
  knownFor: fc.constant(90 * DAY),
  knownNetworks: fc.constant(20),
});

const attempts = fc.array(
  fc.record({
    after: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 40_000 })),
    account: fc.constantFrom('ann', 'bob'),
    network: fc.constantFrom('home', 'office', 'elsewhere'),
    isRight: fc.boolean(),
  }),
  { maxLength: 200 },
);
type Attempt = {
  readonly after: number;
  readonly account: string;
  readonly network: string;
  readonly isRight: boolean;
};

/** Everything that was attempted, with when and whether it was allowed. Ann is known at home. */
function run(policy: AttemptPolicy, attempted: readonly Attempt[]) {
  const counts = new Map<string, AttemptCount | undefined>();
  const known = new Map([['ann at home', NOW + policy.knownFor]]);
  let now = NOW;
  return attempted.map((attempt) => {
    now += attempt.after;
    const { account, network } = attempt;
    const pair = `${account} at ${network}`;
    const keep = (state: AttemptState) => {
      counts
        .set(pair, state.atKnownNetwork)
        .set(account, state.atOtherNetworks)
        .set(network, state.ofNetwork);
      known.set(pair, state.knownUntil);
    };
    const wasKnown = now < (known.get(pair) ?? 0);
    const before = {
      knownUntil: known.get(pair) ?? 0,
      atKnownNetwork: counts.get(pair),
      atOtherNetworks: counts.get(account),
      ofNetwork: counts.get(network),
    };
    const { verdict, state } = beginAttempt(before, policy, now);
    keep(verdict.allowed && attempt.isRight ? succeedAttempt(state, policy, now) : state);
    return { ...attempt, at: now, wasKnown, allowed: verdict.allowed };
  });
}

const isAnnAtHome = ({ account, network }: Attempt) => account === 'ann' && network === 'home';

t.test('attempts from other networks never refuse an owner at a known network', async () => {
  fc.assert(
    fc.property(policies, attempts, (policy, attempted) => {
      const amongOthers = run(policy, attempted).filter(isAnnAtHome);
      let since = 0;
      const alone = attempted.flatMap((attempt) => {
        since += attempt.after;
        if (!isAnnAtHome(attempt)) return [];
        const after = since;
        since = 0;
        return [{ ...attempt, after }];
      });
      const verdicts = (all: readonly { readonly allowed: boolean }[]) => all.map(({ allowed }) => allowed);
      return String(verdicts(amongOthers)) === String(verdicts(run(policy, alone)));
    }),
  );
});

t.test('no window allows more guesses than the policy', async () => {
  const windows = fc.integer({ min: 0, max: 30_000 });
  fc.assert(
    fc.property(policies, attempts, windows, (policy, attempted, span) => {
      const guesses = run(
        policy,
        attempted.map((attempt) => ({ ...attempt, isRight: false })),
      ).filter(({ allowed }) => allowed);
      const strangers = guesses.filter(({ wasKnown }) => !wasKnown);
      const most = (of: typeof guesses) =>
        Math.max(
          0,
          ...of.map(({ at }) => of.filter((other) => other.at >= at && other.at <= at + span).length),
        );
      const ofAccount = strangers.filter(({ account }) => account === 'ann');
      const ofNetwork = strangers.filter(({ network }) => network === 'office');
      return (
        most(ofAccount) <= mostWithin(span, policy.account) &&
        most(guesses.filter(isAnnAtHome)) <= mostWithin(span, policy.account) &&
        most(ofNetwork) <= mostWithin(span, policy.network)
      );
    }),
  );
});

/** What somebody gets who has done nothing before and loses no time: the free ones, then one after each wait. */
function mostWithin(span: number, { free, firstDelay, longestDelay }: DelayPolicy): number {
  let guesses = free;
  for (let at = 0, wait = firstDelay; ; wait = Math.min(longestDelay, wait * 2)) {
    at += Math.min(longestDelay, wait);
    if (at > span) return guesses;
    guesses += 1;
  }
}

t.test('no span allows more actions than the limit', async () => {
  const limits = fc.record({
    count: fc.integer({ min: 0, max: 5 }),
    perMilliseconds: fc.integer({ min: 1, max: 1_000 }),
  });
  fc.assert(
    fc.property(limits, fc.array(fc.integer({ min: 0, max: 400 })), (limit, pauses) => {
      let now = NOW;
      let kept: readonly number[] = [];
      const allowed: number[] = [];
      for (const pause of pauses) {
        now += pause;
        const { verdict, times } = countAction(kept, limit, now);
        kept = times;
        if (verdict.allowed) allowed.push(now);
      }
      return allowed.every(
        (start) =>
          allowed.filter((time) => time >= start && time < start + limit.perMilliseconds).length <=
          limit.count,
      );
    }),
  );
});

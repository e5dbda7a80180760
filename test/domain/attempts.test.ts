import fc from 'fast-check';
import t from 'tap';
import {
  ATTEMPT_POLICY,
  type AttemptCount,
  type AttemptPolicy,
  type AttemptState,
  beginAttempt,
  type DelayPolicy,
  type RaisedCounts,
  succeedAttempt,
} from '../../src/domain/attempts.ts';
import { countAction } from '../../src/domain/rate-limit.ts';

const NOW = 1_800_000_000_500;
const SECOND = 1_000;
const DAY = 86_400_000;

const count = (failures: number, ago = 0): AttemptCount => ({
  failures,
  lastAt: NOW - ago,
  forgottenUpTo: NOW - ago,
});

t.test('each state of the counts gives its delay', async (t) => {
  interface Row {
    readonly name: string;
    readonly known: Partial<AttemptState>;
    /** The seconds to wait; 0 if the attempt is allowed. */
    readonly wait: number;
    /** Whose count causes the wait. The default is the account. */
    readonly counter?: 'network';
  }
  const table: readonly Row[] = [
    { name: 'no failure', known: {}, wait: 0 },
    { name: 'four failures on the account', known: { atOtherNetworks: count(4) }, wait: 0 },
    { name: 'five failures on the account', known: { atOtherNetworks: count(5) }, wait: 1 },
    {
      name: 'five failures on the account, nearly a second ago',
      known: { atOtherNetworks: count(5, SECOND - 1) },
      wait: 1,
    },
    {
      name: 'five failures on the account, a second ago',
      known: { atOtherNetworks: count(5, SECOND) },
      wait: 0,
    },
    { name: 'six failures on the account', known: { atOtherNetworks: count(6) }, wait: 2 },
    { name: 'fourteen failures on the account', known: { atOtherNetworks: count(14) }, wait: 512 },
    { name: 'fifteen failures on the account', known: { atOtherNetworks: count(15) }, wait: 900 },
    { name: 'five thousand failures on the account', known: { atOtherNetworks: count(5_000) }, wait: 900 },
    {
      name: 'five thousand failures on the account, yesterday',
      known: { atOtherNetworks: count(5_000, DAY) },
      wait: 0,
    },
    { name: 'nineteen failures at the network', known: { ofNetwork: count(19) }, wait: 0 },
    { name: 'twenty failures at the network', known: { ofNetwork: count(20) }, wait: 1, counter: 'network' },
    {
      name: 'twenty-seven failures at the network, of which one is forgotten during the wait',
      known: { ofNetwork: count(27) },
      wait: 64,
      counter: 'network',
    },
    {
      name: 'twenty-seven failures at the network, a minute ago',
      known: { ofNetwork: count(27, 60 * SECOND) },
      wait: 4,
      counter: 'network',
    },
    {
      name: 'thirty failures at the network',
      known: { ofNetwork: count(30) },
      wait: 180,
      counter: 'network',
    },
    {
      name: 'thirty failures at the network, eleven minutes ago',
      known: { ofNetwork: count(30, 660 * SECOND) },
      wait: 0,
    },
    {
      name: 'failures on the account and at the network: the account has the longer wait',
      known: { atOtherNetworks: count(8), ofNetwork: count(22) },
      wait: 8,
    },
    {
      name: 'failures on the account and at the network: the network has the longer wait',
      known: { atOtherNetworks: count(6), ofNetwork: count(23) },
      wait: 8,
      counter: 'network',
    },
    {
      name: 'a known network, while attempts from other networks fail',
      known: { knownUntil: NOW + 1, atOtherNetworks: count(50), ofNetwork: count(50) },
      wait: 0,
    },
    {
      name: 'a known network with failures of its own',
      known: { knownUntil: NOW + 1, atKnownNetwork: count(6) },
      wait: 2,
    },
    {
      name: 'a network that is no longer known',
      known: { knownUntil: NOW, atOtherNetworks: count(6) },
      wait: 2,
    },
    {
      name: 'failures on the account with a time in the future',
      known: { atOtherNetworks: count(5, -DAY) },
      wait: 1,
    },
  ];
  for (const { name, known, wait, counter = 'account' } of table) {
    const { verdict } = beginAttempt({ knownUntil: 0, ...known }, ATTEMPT_POLICY, NOW);
    const raised = (known.knownUntil ?? 0) > NOW ? 'at_known_network' : 'shared';
    t.same(
      verdict,
      wait === 0 ? { allowed: true, raised } : { allowed: false, counter, retryAfter: wait },
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
    ofNetwork: { ...count(4), forgottenUpTo: NOW - 1 },
  });
  const known = { knownUntil: NOW + 1, atOtherNetworks: count(50), ofNetwork: count(50) };
  t.same(begin(known), { ...known, atKnownNetwork: count(1) });
  const blocked = { knownUntil: 0, atOtherNetworks: count(5), ofNetwork: count(3) };
  t.equal(begin(blocked), blocked, 'a refusal does not count');
});

t.test(
  'a login resets the count of its name at this network, and takes its own attempt off the other counts',
  async (t) => {
    const succeed = (state: AttemptState, raised: RaisedCounts | null = 'shared') =>
      succeedAttempt(state, raised, ATTEMPT_POLICY, NOW);
    const knownUntil = NOW + 90 * DAY;
    t.match(succeed({ knownUntil: 0, atOtherNetworks: count(4), ofNetwork: count(1) }), {
      knownUntil,
      atOtherNetworks: count(3),
      ofNetwork: undefined,
    });
    const known = { knownUntil: NOW + 1, atOtherNetworks: count(50), ofNetwork: count(50) };
    for (const raised of ['at_known_network', null] as const)
      t.match(succeed({ ...known, atKnownNetwork: count(7) }, raised), {
        ...known,
        knownUntil,
        atKnownNetwork: undefined,
      });
    t.match(
      succeed(known),
      { atOtherNetworks: count(49), ofNetwork: count(49) },
      'another login has made the network known meanwhile',
    );
    t.match(succeed({ knownUntil: 0 }), { knownUntil, atOtherNetworks: undefined, ofNetwork: undefined });
  },
);

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

/** Each attempt with its time and whether it was allowed. Ann is known at home. */
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
    keep(verdict.allowed && attempt.isRight ? succeedAttempt(state, verdict.raised, policy, now) : state);
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

t.test('no period allows more guesses than the policy', async () => {
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

/** The most attempts in a span: first those without a delay, then one after each delay. */
function mostWithin(span: number, { free, firstDelay, longestDelay }: DelayPolicy): number {
  let guesses = free;
  for (let at = 0, wait = firstDelay; ; wait = Math.min(longestDelay, wait * 2)) {
    at += Math.min(longestDelay, wait);
    if (at > span) return guesses;
    guesses += 1;
  }
}

t.test('no period allows more actions than the limit', async () => {
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

import fc from 'fast-check';
import t from 'tap';
import {
  isRotationDue,
  keySetTiming,
  keyThatSigns,
  nextSchedule,
  publishedUntil,
  type SigningKey,
  stateOf,
} from '../../src/domain/key-set.ts';

const NOW = 1_800_000_000_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const POLICY = { accessTokenAge: 15 * MINUTE, clockSkew: 5 * SECOND };
const TIMING = keySetTiming(POLICY, { maxAge: 5 * MINUTE, rotateAfter: 24 * 60 * MINUTE });

const key = (number: number, signsFrom: number, values: Partial<SigningKey> = {}): SigningKey => ({
  id: `key-${number}`,
  alg: 'EdDSA',
  number,
  announcedAt: signsFrom - TIMING.announce,
  signsFrom,
  ...values,
});

t.test('the first key signs at once, a later key is announced first', async (t) => {
  t.equal(keyThatSigns([], NOW), null);
  t.ok(isRotationDue([], 'EdDSA', TIMING, NOW), 'without a key a rotation is due');
  const first = key(1, NOW, nextSchedule([], TIMING, NOW));
  t.match(first, { number: 1, announcedAt: NOW, signsFrom: NOW }, 'the first signs at once');

  const end = NOW + Number(TIMING.rotateAfter);
  const due = end - TIMING.announce;
  t.notOk(isRotationDue([first], 'EdDSA', TIMING, due - 1));
  t.ok(isRotationDue([first], 'EdDSA', TIMING, due), 'early enough to be announced');
  t.notOk(
    isRotationDue([first], 'EdDSA', { ...TIMING, rotateAfter: null }, due),
    'without rotateAfter no rotation is due',
  );

  const second = key(2, end, nextSchedule([first], TIMING, due));
  t.match(second, { number: 2, announcedAt: due, signsFrom: end });
  const keys = [second, first];
  t.notOk(isRotationDue(keys, 'EdDSA', TIMING, end - 1), 'a key is announced already');
  const states = (now: number) => [first, second].map((one) => stateOf(one, keys, now));
  t.same(states(end - 1), ['signing', 'announced']);
  t.same(states(end), ['retired', 'signing']);
  t.equal(publishedUntil(first, keys, TIMING), end + TIMING.outlast);
  t.equal(publishedUntil(second, keys, TIMING), Number.POSITIVE_INFINITY);
});

t.test('a key that signs at once replaces an announced key, which never signs', async (t) => {
  const announced = [key(1, NOW - MINUTE), key(2, NOW + MINUTE)];
  const fresh = key(3, NOW, nextSchedule(announced, TIMING, NOW, true));
  t.match(fresh, { number: 3, signsFrom: NOW });
  const keys = [...announced, fresh];
  t.same(
    keys.map((one) => stateOf(one, keys, NOW)),
    ['retired', 'retired', 'signing'],
  );
  t.equal(keyThatSigns(keys, NOW + 2 * MINUTE)?.id, 'key-3', 'the time of the second key is over');
});

t.test('a change of the algorithm makes a rotation due', async (t) => {
  const keys = [key(1, NOW - MINUTE)];
  t.ok(isRotationDue(keys, 'ES256', TIMING, NOW));
  const both = [...keys, key(2, NOW + MINUTE, { alg: 'ES256' })];
  t.notOk(
    isRotationDue(both, 'EdDSA', TIMING, NOW),
    'a change back is not due before the announced key signs',
  );
});

t.test('a key signs even if the clock was set back', async (t) => {
  const keys = [key(2, NOW + MINUTE), key(1, NOW)];
  t.equal(keyThatSigns(keys, NOW - MINUTE)?.id, 'key-1');
});

t.test('a key is announced long enough for verifiers that cache the set for 30 seconds', async (t) => {
  const { poll, announce } = keySetTiming(POLICY, { maxAge: SECOND, rotateAfter: null });
  t.equal(poll, SECOND);
  t.equal(announce, 30 * SECOND + 2 * poll + POLICY.clockSkew);
  t.equal(TIMING.poll, 30 * SECOND);
  t.ok(TIMING.announce > 5 * MINUTE + TIMING.poll);
});

interface Settings {
  readonly accessTokenAge: number;
  readonly clockSkew: number;
  readonly maxAge: number;
  /** In multiples of the time for which a key is announced. */
  readonly signsFor: number;
  /** When each of the two replicas works within a round, from 0 to 1. */
  readonly phases: readonly [number, number];
  /** The offset of the second clock in multiples of the skew: 1 is ahead, -1 is behind. */
  readonly drift: number;
  /** Which rounds fail. Two consecutive rounds never fail. */
  readonly fails: readonly boolean[];
}

/**
 * Simulates two replicas that share a key set. Each maintains the set once in a round, by its own clock. Some rounds
 * fail.
 */
function simulateReplicas({ accessTokenAge, clockSkew, maxAge, signsFor, phases, drift, fails }: Settings) {
  const base = keySetTiming({ accessTokenAge, clockSkew }, { maxAge, rotateAfter: null });
  const timing = { ...base, rotateAfter: Math.round(base.announce * signsFor) };
  const offsets = [0, Math.round(drift * clockSkew)];
  const end = NOW + 5 * (timing.announce + timing.rotateAfter) + timing.outlast;
  const views: { at: number; keys: readonly SigningKey[] }[][] = [[], []];
  let keys: readonly SigningKey[] = [];
  const made: SigningKey[] = [];

  const maintain = (replica: number, at: number) => {
    const now = at + Number(offsets[replica]);
    if (isRotationDue(keys, 'EdDSA', timing, now)) {
      made.push({ id: `key-${made.length + 1}`, alg: 'EdDSA', ...nextSchedule(keys, timing, now) });
      keys = [...keys, ...made.slice(-1)];
    }
    keys = keys.filter((one) => now < publishedUntil(one, keys, timing));
    views[replica]?.push({ at, keys });
  };

  for (const replica of [0, 1]) maintain(replica, NOW);
  const rounds = [0, 1].flatMap((replica) =>
    Array.from({ length: Math.ceil((end - NOW) / timing.poll) }, (_, round) => ({
      replica,
      round,
      at: NOW + Math.round((round + Number(phases[replica])) * timing.poll),
    })),
  );
  for (const { replica, round, at } of rounds.sort((one, other) => one.at - other.at)) {
    if (round % 2 === 1 && fails[round % fails.length]) continue;
    maintain(replica, at);
  }

  const viewOf = (replica: number, at: number) =>
    views[replica]?.findLast((view) => view.at <= at)?.keys ?? [];
  return {
    timing,
    /** When each key begins to sign by the clock of the replica. */
    changes: (replica: number) => made.map(({ signsFrom }) => signsFrom - Number(offsets[replica])),
    signs: (replica: number, at: number) =>
      keyThatSigns(viewOf(replica, at), at + Number(offsets[replica]))?.id ?? 'none',
    publishes: (replica: number, at: number) => {
      const seen = viewOf(replica, at);
      const now = at + Number(offsets[replica]);
      return seen.filter((one) => now < publishedUntil(one, seen, timing)).map(({ id }) => id);
    },
  };
}

const anySettings: fc.Arbitrary<Settings> = fc.record({
  accessTokenAge: fc.integer({ min: SECOND, max: 60 * MINUTE }),
  clockSkew: fc.integer({ min: 0, max: 10 * SECOND }),
  maxAge: fc.integer({ min: SECOND, max: 10 * MINUTE }),
  signsFor: fc.double({ min: 0, max: 3, noNaN: true }),
  phases: fc.tuple(
    fc.double({ min: 0, max: 0.999, noNaN: true }),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
  ),
  drift: fc.constantFrom(-1, 0, 1),
  fails: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
});

t.test('every verifier knows a key before the key signs', async (t) => {
  // Errors are most likely at the ends of each span.
  const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
  const token = fc.record({
    signer: fc.constantFrom(0, 1),
    source: fc.constantFrom(0, 1),
    change: fc.nat(),
    fromChange: fc.oneof(fc.constantFrom(-1, 0), fc.integer({ min: -60 * SECOND, max: 60 * SECOND })),
    age: share,
    cachedFor: share,
  });
  let rotations = 0;
  fc.assert(
    fc.property(anySettings, fc.array(token, { minLength: 50, maxLength: 50 }), (settings, tokens) => {
      const { signs, publishes, changes } = simulateReplicas(settings);
      rotations += changes(0).length;
      const cached = Math.max(settings.maxAge, 30 * SECOND);
      const lives = settings.accessTokenAge + settings.clockSkew;
      return tokens.every(({ signer, source, change, fromChange, age, cachedFor }) => {
        const [, ...later] = changes(signer).slice(0, 5);
        const signed = Number(later[change % later.length]) + fromChange;
        const fetched = signed + age * lives - cachedFor * cached;
        const before = Math.min(signed, fetched) < NOW;
        return before || publishes(source, fetched).includes(signs(signer, signed));
      });
    }),
    { numRuns: 150 },
  );
  t.ok(rotations > 500, `${rotations} keys in 150 histories`);
});

t.test(
  'a new key is in each set that a cache holds when the key begins to sign, and not before its announcement',
  async (t) => {
    const settings: Settings = {
      accessTokenAge: MINUTE,
      clockSkew: 5 * SECOND,
      maxAge: 5 * MINUTE,
      signsFor: 2,
      phases: [0, 0.999],
      drift: 1,
      fails: [true],
    };
    const { timing, changes, signs, publishes } = simulateReplicas(settings);
    const [, change = Number.NaN] = changes(1);
    const kid = signs(1, change);
    t.equal(kid, 'key-2');
    t.same(
      publishes(0, change - timing.announce - 1 - settings.clockSkew),
      ['key-1'],
      'a set that was fetched before the announcement does not contain the key',
    );
    t.ok(
      publishes(0, change - 5 * MINUTE).includes(kid),
      'the oldest set that a cache still holds contains the key',
    );
  },
);

import t from 'tap';
import { drawChart, formatValue, rangeInWords } from '../../console/src/overview/chart.ts';
import {
  drawKeys,
  type Key,
  keyInWords,
  orderInWords,
  spansOf,
} from '../../console/src/overview/key-timeline.ts';
import {
  appendSamples,
  continueSamples,
  ratesOf,
  refusalCount,
  refusalsIn,
  type Sample,
  valuesOf,
} from '../../console/src/overview/series.ts';
import { renderSvg } from '../../console/src/picture/svg.ts';
import { publishedUntil, type SigningKey, stateOf } from '../../src/domain/key-set.ts';

const START = Date.UTC(2026, 0, 2);
const DAY = 86_400_000;

const sample = (seconds: number, values: Partial<Sample> = {}): Sample => ({
  at: new Date(START + seconds * 1_000).toISOString(),
  ...{ logins: 0, refreshes: 0, refusals: {}, sessions: null },
  ...{ mailsWaiting: null, eventsWaiting: null, deliveriesWaiting: null },
  ...values,
});

t.test('counts become rates per minute, also across a restart of the service', async (t) => {
  const samples = [10, 15, 3].map((logins, index) => sample(index * 30, { logins }));
  const rates = ratesOf(samples, ({ logins }) => logins);
  t.same(
    rates.map(({ value }) => value),
    [10, 6],
  );
  t.same(
    ratesOf(samples.slice(0, 1), ({ logins }) => logins),
    [],
  );
});

t.test('a rate needs an interval of ten seconds, and counts what happened within it', async (t) => {
  const rates = (...counts: readonly (readonly [seconds: number, logins: number])[]) =>
    ratesOf(
      counts.map(([seconds, logins]) => sample(seconds, { logins })),
      ({ logins }) => logins,
    ).map(({ at, value }) => [(at - START) / 1_000, value]);
  t.same(rates([0, 0], [3.75, 1]), [], 'one login right after the first sample is no rate yet');
  t.same(rates([0, 0], [3.75, 1], [10, 1]), [[10, 6]]);
  t.same(rates([0, 9], [5, 1], [10, 2], [15, 2], [20, 2], [21, 8]), [
    [10, 12],
    [20, 0],
  ]);
  t.equal(rates([0, 0], [9.99, 1], [19.98, 1]).length, 2, 'timers are a few milliseconds early');
});

t.test('refusals are counted by reason, most frequent first', async (t) => {
  const samples = [
    sample(0, { refusals: { 'login a': 5 } }),
    sample(5, { refusals: { 'login a': 6, 'refresh b': 4 } }),
    sample(10, { refusals: { 'login a': 6, 'refresh b': 1 } }),
  ];
  t.same(refusalsIn(samples), [
    ['refresh b', 5],
    ['login a', 1],
  ]);
  t.equal(refusalCount(samples[1] ?? sample(0)), 10);
});

t.test('newer samples are appended once, and samples older than an hour are removed', async (t) => {
  const before = [sample(0), sample(3_000)];
  const all = appendSamples(before, [sample(3_000), sample(3_700)]);
  t.same(all, [sample(3_000), sample(3_700)]);
  t.same(appendSamples([], []), []);
});

t.test('samples of another replica replace the samples of the previous replica', async (t) => {
  const one = { replica: 'one:3000', samples: [sample(0)] };
  const other = { replica: 'two:3000', samples: [sample(10)] };
  t.same(continueSamples(null, one), [sample(0)]);
  t.same(continueSamples(one, { ...one, samples: [sample(5)] }), [sample(0), sample(5)]);
  t.same(continueSamples(one, other), [sample(10)]);
});

t.test('a chart draws the known samples, and its line breaks where samples are missing', async (t) => {
  const points = valuesOf(
    [0, 10, 20, 100, 110].map((seconds) => sample(seconds, { sessions: seconds === 20 ? null : seconds })),
    ({ sessions }) => sessions,
  );
  t.equal(points.length, 4);
  const text = renderSvg(drawChart(points, 'Live sessions'));
  t.equal(text.match(/M/g)?.length, 3, 'the base, and two parts of the line');
  t.match(text, /aria-label="Live sessions: now 110, 0 to 110 in the time shown"/);
  const alone = renderSvg(drawChart([{ at: 5_000, value: 2 }], 'Live sessions'));
  t.match(alone, /d="M320 6h-4"/, 'a single point is a visible dash at the end');
  t.match(renderSvg(drawChart([], 'Mails waiting')), /Mails waiting: not known yet/);
  t.match(rangeInWords([{ at: 0, value: 0 }]), /^now 0, 0 to 0/);
  t.same([formatValue(0.25), formatValue(12.6), formatValue(12_345)], ['0.3', '13', '12,345']);
});

const time = (days: number) => new Date(START + days * DAY).toISOString();
const KEYS: readonly Key[] = [
  {
    ...{ id: 'old-key-id', alg: 'EdDSA', state: 'retired' },
    ...{ announcedAt: time(-30), signsFrom: time(-29), publishedUntil: time(1) },
  },
  { id: 'new-key-id', alg: 'EdDSA', state: 'signing', announcedAt: time(-3), signsFrom: time(-1) },
];

t.test('a key is announced, signs until the next key signs, and stays published', async (t) => {
  const [old, recent] = KEYS;
  if (old === undefined || recent === undefined) throw new Error('no keys');
  const spans = spansOf(old, KEYS, START + 10 * DAY);
  t.same(
    spans.map(({ kind, from, to }) => [kind, (from - START) / DAY, (to - START) / DAY]),
    [
      ['announced', -30, -29],
      ['signing', -29, -1],
      ['retired', -1, 1],
    ],
  );
  t.same(
    spansOf(recent, KEYS, START).map(({ kind }) => kind),
    ['announced', 'signing'],
  );
  t.same(
    spansOf({ id: 'file', alg: 'ES256', state: 'signing' }, KEYS, START),
    [],
    'a key of a file has no times',
  );
});

t.test(
  'after `keys rotate --now` beside an announced key, each span shows the state that the domain computes',
  async (t) => {
    const hour = (hours: number) => START + hours * 3_600_000;
    const key = (id: string, number: number, announcedAt: number, signsFrom: number): SigningKey => ({
      ...{ id, alg: 'EdDSA', number, announcedAt: hour(announcedAt), signsFrom: hour(signsFrom) },
    });
    const outlast = 2 * 3_600_000;
    const set = [key('A', 1, 0, 0), key('B', 2, 8, 14), key('C', 3, 10, 10)];
    const listed = set.map((one): Key => {
      const until = publishedUntil(one, set, { outlast });
      return {
        ...{ id: one.id, alg: one.alg, state: stateOf(one, set, hour(11)) },
        announcedAt: new Date(one.announcedAt).toISOString(),
        signsFrom: new Date(one.signsFrom).toISOString(),
        ...(Number.isFinite(until) && { publishedUntil: new Date(until).toISOString() }),
      };
    });
    for (const [index, one] of set.entries()) {
      const [drawn] = listed.slice(index);
      const spans = drawn === undefined ? [] : spansOf(drawn, listed, hour(20));
      for (let at = 0; at < 20; at += 1) {
        const span = spans.find(({ from, to }) => from <= hour(at) && hour(at) < to);
        const isPublished = hour(at) >= one.announcedAt && hour(at) < publishedUntil(one, set, { outlast });
        t.equal(span?.kind, isPublished ? stateOf(one, set, hour(at)) : undefined, `${one.id} at ${at} h`);
      }
    }
  },
);

t.test('a refused key has no spans, and does not end the signing of another key', async (t) => {
  const [, recent] = KEYS;
  if (recent === undefined) throw new Error('no keys');
  const refused: Key = {
    ...{ id: 'refused', alg: 'EdDSA', state: 'refused' },
    ...{ announcedAt: time(-0.75), signsFrom: time(-0.5) },
  };
  const keys = [...KEYS, refused];
  t.match(spansOf(recent, keys, START).at(-1), { kind: 'signing', to: START });
  t.same(spansOf(refused, keys, START), []);
  t.equal(drawKeys([refused], START), null);
});

t.test(
  'the caption says that the keys of a file are listed newest first, and stored keys oldest first',
  async (t) => {
    t.equal(
      orderInWords([{ id: 'file', alg: 'ES256', state: 'signing' }]),
      'Newest first, as in KEY_SET_FILE',
    );
    t.equal(orderInWords(KEYS), 'Oldest first');
  },
);

t.test('keys are drawn as bars over time, each with a description in words', async (t) => {
  const picture = drawKeys(KEYS, START);
  t.ok(picture);
  if (picture === null) return;
  const text = renderSvg(picture);
  t.equal(text.match(/<rect/g)?.length, 5);
  t.match(text, /old-key- is retired, signs from Thu 4 Dec 2025/);
  t.equal(drawKeys([{ id: 'file', alg: 'ES256', state: 'signing' }], START), null);
  t.equal(keyInWords({ id: 'file', alg: 'ES256', state: 'signing' }, START), 'file is signing');
});

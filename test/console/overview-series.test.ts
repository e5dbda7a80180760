import t from 'tap';
import { amount, drawChart, rangeInWords } from '../../console/src/overview/chart.ts';
import { drawKeys, type Key, keyInWords, spansOf } from '../../console/src/overview/key-timeline.ts';
import {
  appendSamples,
  continueSamples,
  ratesOf,
  refusalCount,
  refusalsIn,
  type Sample,
  valuesOf,
} from '../../console/src/overview/series.ts';
import { svgText } from '../../console/src/picture/svg.ts';

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
  const text = svgText(drawChart(points, 'Live sessions'));
  t.equal(text.match(/M/g)?.length, 3, 'the base, and two parts of the line');
  t.match(text, /aria-label="Live sessions: now 110, 0 to 110 in the time shown"/);
  const alone = svgText(drawChart([{ at: 5_000, value: 2 }], 'Live sessions'));
  t.match(alone, /d="M320 6h-4"/, 'a single point is a visible dash at the end');
  t.match(svgText(drawChart([], 'Mails waiting')), /Mails waiting: not known yet/);
  t.match(rangeInWords([{ at: 0, value: 0 }]), /^now 0, 0 to 0/);
  t.same([amount(0.25), amount(12.6), amount(12_345)], ['0.3', '13', '12,345']);
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

t.test('keys are drawn as bars over time, each with a description in words', async (t) => {
  const picture = drawKeys(KEYS, START);
  t.ok(picture);
  if (picture === null) return;
  const text = svgText(picture);
  t.equal(text.match(/<rect/g)?.length, 5);
  t.match(text, /old-key- is retired, signs from Thu 4 Dec 2025/);
  t.equal(drawKeys([{ id: 'file', alg: 'ES256', state: 'signing' }], START), null);
  t.equal(keyInWords({ id: 'file', alg: 'ES256', state: 'signing' }, START), 'file is signing');
});

import { momentInWords } from '../../../src/domain/life/words.ts';
import { round } from '../picture/marks.ts';
import { type SvgNode, svg } from '../picture/svg.ts';

/** A key that signs access tokens, as the admin API describes it. Times are in RFC 3339 form. */
export interface Key {
  readonly id: string;
  readonly alg: string;
  readonly state: 'announced' | 'signing' | 'retired' | 'refused';
  readonly announcedAt?: string;
  readonly signsFrom?: string;
  readonly publishedUntil?: string;
}

/** One part of the life of a key. Times in milliseconds. */
export interface KeySpan {
  readonly kind: 'announced' | 'signing' | 'retired';
  readonly from: number;
  readonly to: number;
}

const WIDTH = 640;
const ROW = 26;
const BAR = 14;

/** The time after now that the chart shows, as a share of the time before now. */
const AHEAD = 0.25;

/**
 * The spans of a key until `end`. A key signs until a later key of the list signs, as in `domain/key-set.ts`. An
 * announced key never signs if a later key signs first. Empty for a key without times, and for a refused key.
 *
 * @param keys in the order of their numbers
 */
export function spansOf(key: Key, keys: readonly Key[], end: number): readonly KeySpan[] {
  if (!hasTimes(key)) return [];
  const [announced, signs] = [Date.parse(key.announcedAt), Date.parse(key.signsFrom)];
  const later = keys.slice(keys.indexOf(key) + 1).filter(hasTimes);
  const ends = Math.min(end, ...later.map(({ signsFrom }) => Date.parse(signsFrom)));
  const gone = key.publishedUntil === undefined ? ends : Math.min(end, Date.parse(key.publishedUntil));
  const spans: KeySpan[] = [
    { kind: 'announced', from: announced, to: Math.min(signs, ends) },
    { kind: 'signing', from: signs, to: Math.min(ends, gone) },
    { kind: 'retired', from: ends, to: gone },
  ];
  return spans.filter(({ from, to }) => to > from);
}

/** False for a key of a file, and for a refused key: it has times, but never signs. */
function hasTimes(key: Key): key is Key & Required<Pick<Key, 'announcedAt' | 'signsFrom'>> {
  return key.state !== 'refused' && key.announcedAt !== undefined && key.signsFrom !== undefined;
}

/** The order of a list of keys. A key file holds no times, and its first key is the newest. */
export function orderInWords(keys: readonly Key[]): string {
  const isFile = keys.every(({ announcedAt }) => announcedAt === undefined);
  return isFile ? 'Newest first, as in KEY_SET_FILE' : 'Oldest first';
}

/** The keys as bars over time, oldest first, and a line at `now`. Null without a key that has times. */
export function drawKeys(keys: readonly Key[], now: number): SvgNode | null {
  const starts = keys.filter(hasTimes).map(({ announcedAt }) => Date.parse(announcedAt));
  if (starts.length === 0) return null;
  const first = Math.min(now - 1, ...starts);
  const last = now + (now - first) * AHEAD;
  const x = (at: number) => round(((at - first) / (last - first)) * WIDTH);
  const height = keys.length * ROW + 4;
  const bars = keys.flatMap((key, index) =>
    spansOf(key, keys, last).map(({ kind, from, to }) =>
      svg('rect', {
        class: kind,
        x: x(from),
        y: index * ROW + (ROW - BAR) / 2,
        width: Math.max(2, round(x(to) - x(from))),
        height: BAR,
        rx: 3,
      }),
    ),
  );
  return svg(
    'svg',
    {
      ...{ viewBox: `0 0 ${WIDTH} ${height}`, class: 'keys', role: 'img', preserveAspectRatio: 'none' },
      'aria-label': `Keys over time: ${keys.map((key) => keyInWords(key, now)).join('; ')}`,
    },
    ...bars,
    svg('path', { class: 'now', d: `M${x(now)} 0V${height}` }),
  );
}

/** A key and its times in one line. */
export function keyInWords({ id, state, signsFrom, publishedUntil }: Key, now: number): string {
  const times = [
    ...(signsFrom === undefined ? [] : [`signs from ${momentInWords(Date.parse(signsFrom), now)}`]),
    ...(publishedUntil === undefined
      ? []
      : [`published until ${momentInWords(Date.parse(publishedUntil), now)}`]),
  ];
  return [`${id.slice(0, 8)} is ${state}`, ...times].join(', ');
}

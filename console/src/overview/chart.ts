import { round } from '../picture/marks.ts';
import { type SvgNode, svg } from '../picture/svg.ts';
import type { Point } from './series.ts';

const WIDTH = 320;
const HEIGHT = 72;

/** Milliseconds. A longer gap between two points breaks the line. */
const LONGEST_STEP = 45_000;

/** The length of the dash for a point that no line joins to another point. */
const DASH = 4;

/** The line of a series over time, from zero to its greatest value. `name` says what it shows. */
export function drawChart(points: readonly Point[], name: string): SvgNode {
  const most = greatestOf(points);
  const [first, last] = [points[0]?.at ?? 0, points.at(-1)?.at ?? 0];
  const x = (at: number) => (first === last ? WIDTH : round(((at - first) / (last - first)) * WIDTH));
  const y = (value: number) => round(HEIGHT - 2 - (value / Math.max(1, most)) * (HEIGHT - 8));
  const isJoined = (one: Point | undefined, next: Point | undefined) =>
    one !== undefined && next !== undefined && next.at - one.at <= LONGEST_STEP;
  const steps = points.map((point, index) => {
    if (isJoined(points[index - 1], point)) return `L${x(point.at)} ${y(point.value)}`;
    const start = `${x(point.at)} ${y(point.value)}`;
    // A point without a neighbor is a short dash, because a line of one point is invisible.
    return isJoined(point, points[index + 1]) ? `M${start}` : `M${start}h-${DASH}`;
  });
  return svg(
    'svg',
    {
      ...{ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'chart', role: 'img', preserveAspectRatio: 'none' },
      'aria-label': `${name}: ${rangeInWords(points)}`,
    },
    svg('path', { class: 'base', d: `M0 ${HEIGHT - 2}H${WIDTH}` }),
    svg('path', { class: 'line', d: steps.join('') }),
  );
}

export function rangeInWords(points: readonly Point[]): string {
  if (points.length === 0) return 'not known yet';
  const values = points.map(({ value }) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const { value = 0 } = points.at(-1) ?? {};
  return `now ${formatValue(value)}, ${formatValue(least)} to ${formatValue(most)} in the time shown`;
}

/** Formats a value, with one decimal place if the value is below 10. */
export function formatValue(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
}

function greatestOf(points: readonly Point[]): number {
  return points.reduce((most, { value }) => Math.max(most, value), 0);
}

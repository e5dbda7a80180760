import { durationInWords, timeOfDay } from '../../../src/domain/life/words.ts';
import type { Geometry, PlacedMark } from './geometry.ts';
import { round } from './marks.ts';
import { type SvgNode, svg } from './svg.ts';

const TICK_WIDTH = 74;

/** The height of the axis. */
export const AXIS_HEIGHT = 66;

/** Draws the times of the marks, as far as there is room, and the durations between them. */
export function drawAxis(geometry: Geometry): SvgNode {
  const ticks = chooseTicks(geometry);
  const base = geometry.bottom + 20;
  return svg(
    'g',
    { class: 'axis', 'aria-hidden': 'true' },
    ...ticks.map(({ x }) => svg('path', { class: 'rule', d: `M${round(x)} ${geometry.top}V${base - 4}` })),
    ...ticks.flatMap((tick, index) => durationBefore(tick, ticks[index - 1], base)),
    ...ticks.flatMap((tick, index) => tickText(tick, ticks[index - 1], base, geometry)),
  );
}

/** Chooses the marks that get a tick. Important marks come first, and others only where there is room. */
function chooseTicks({ marks }: Geometry): readonly PlacedMark[] {
  const important = ['replay', 'login', 'end', 'block'];
  const rank = ({ mark }: PlacedMark) => (important.indexOf(mark.kind) + 5) % 5;
  const chosen: PlacedMark[] = [];
  for (const tick of [...marks].sort((one, other) => rank(one) - rank(other)))
    if (chosen.every(({ x }) => Math.abs(x - tick.x) >= TICK_WIDTH)) chosen.push(tick);
  return chosen.sort((one, other) => one.x - other.x);
}

function durationBefore(tick: PlacedMark, before: PlacedMark | undefined, base: number): readonly SvgNode[] {
  if (before === undefined) return [];
  const [from, to] = [before.x + 6, tick.x - 6];
  const text = durationInWords(tick.mark.at - before.mark.at);
  const middle = (from + to) / 2;
  const half = text.length * 3.2 + 6;
  if (to - from < 2 * half + 8) return [];
  return [
    svg('path', { class: 'span', d: `M${round(from)} ${base}H${round(middle - half)}` }),
    svg('path', { class: 'span', d: `M${round(middle + half)} ${base}H${round(to)}` }),
    svg('text', { class: 'muted small', x: round(middle), y: base + 4, 'text-anchor': 'middle' }, text),
  ];
}

function tickText(
  { x, mark }: PlacedMark,
  before: PlacedMark | undefined,
  base: number,
  { left, right }: Geometry,
): readonly SvgNode[] {
  const { day } = mark;
  const isNewDay = before === undefined || before.mark.day !== day;
  const middle = round(Math.min(Math.max(x, left + 36), right - 36));
  const at = { x: middle, 'text-anchor': 'middle' };
  return [
    svg('text', { ...at, class: 'time', y: base + 22 }, timeOfDay(mark.at)),
    ...(isNewDay ? [svg('text', { ...at, class: 'muted small', y: base + 38 }, day)] : []),
  ];
}

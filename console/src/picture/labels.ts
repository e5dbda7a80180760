import type { Mark } from '../../../src/domain/life/life.ts';
import type { Geometry, Point } from './geometry.ts';

export interface Label extends Point {
  readonly text: string;
  readonly anchor: 'start' | 'middle' | 'end';
  readonly isAlarm: boolean;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const CHARACTER = 6.7;
const LINE = 15;

/** Kinds in the order in which their marks get labels. */
const IMPORTANCE = [
  'replay',
  'login',
  'block',
  'end',
  'heal',
  'address',
  'step-up',
  'agent',
  'latest',
  'note',
];

/** Places the labels of marks, as far as there is room. Every mark also has a number. */
export function placeLabels(geometry: Geometry): readonly Label[] {
  const { marks, origins, radius } = geometry;
  const wanted = [
    ...origins.map(({ replay, x, y }) => ({
      x,
      y,
      text: `generation ${replay.token.generation}, issued here`,
      isAlarm: true,
      rank: 0.5,
    })),
    ...marks.map(({ mark, x, y }) => ({
      x,
      y,
      text: textOf(mark),
      isAlarm: mark.kind === 'replay' || mark.kind === 'block',
      rank: IMPORTANCE.indexOf(mark.kind),
    })),
  ].sort((one, other) => one.rank - other.rank);
  const taken = [
    ...[...marks, ...origins].map((point) => boxAround(point, radius + 2)),
    ...laneTextBoxes(geometry),
  ];
  const lines = linesOf(geometry);
  return wanted.flatMap(({ rank: _, ...label }) => {
    const free = labelCandidates(label, radius).filter(
      (candidate) => isInside(boxOf(candidate), geometry) && !taken.some(overlaps(boxOf(candidate))),
    );
    const found = free.find((candidate) => !lines.some(crosses(boxOf(candidate)))) ?? free[0];
    if (found === undefined) return [];
    taken.push(boxOf(found));
    return [found];
  });
}

function textOf({ kind, title, generation }: Mark): string {
  switch (kind) {
    case 'replay':
      return `Replay of generation ${generation}`;
    case 'address':
    case 'heal':
      return `${title}, generation ${generation}`;
    default:
      return title;
  }
}

function labelCandidates({ x, y, text, isAlarm }: Omit<Label, 'anchor'>, radius: number): readonly Label[] {
  const [up, down, aside] = [y - radius - 7, y + radius + 15, radius + 7];
  const at = (anchor: Label['anchor'], left: number, base: number): Label => ({
    text,
    isAlarm,
    anchor,
    x: left,
    y: base,
  });
  return [
    at('middle', x, up),
    at('start', x - radius, up),
    at('end', x + radius, up),
    at('start', x + aside, y + 4),
    at('end', x - aside, y + 4),
    at('middle', x, down),
    at('end', x + radius, down),
    at('start', x - radius, down),
  ];
}

function boxOf({ text, x, y, anchor }: Label): Box {
  const width = text.length * CHARACTER;
  const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
  return { left, right: left + width, top: y - LINE + 3, bottom: y + 4 };
}

function boxAround({ x, y }: Point, distance: number): Box {
  return { left: x - distance, right: x + distance, top: y - distance, bottom: y + distance };
}

function isInside(box: Box, { left, right, lanes }: Geometry): boolean {
  const fits = lanes.some(({ top, height }) => box.top >= top && box.bottom <= top + height);
  return fits && box.left >= left + 6 && box.right <= right - 6;
}

/** In a narrow picture the texts of a lane are inside the lane, so labels must not cover them. */
function laneTextBoxes({ lanes, isNarrow }: Geometry): readonly Box[] {
  if (!isNarrow) return [];
  return lanes.flatMap(({ texts }) =>
    texts.map(({ text, x, y }) => ({ left: x, right: x + text.length * 7.4, top: y - LINE, bottom: y + 3 })),
  );
}

type Line = readonly [Point, Point];

function linesOf({ path, endsAt, top, bottom }: Geometry): readonly Line[] {
  const lines = path.slice(1).map((to, index): Line => [path[index] ?? to, to]);
  if (endsAt === null) return lines;
  return [
    ...lines,
    [
      { x: endsAt, y: top },
      { x: endsAt, y: bottom },
    ],
  ];
}

/** Whether a line passes through the box, tested at points that are closer than the box is high. */
function crosses({ left, right, top, bottom }: Box) {
  return ([from, to]: Line): boolean => {
    const steps = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 6);
    return Array.from({ length: steps + 1 }, (_, step) => step / Math.max(1, steps)).some((share) => {
      const [x, y] = [from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)];
      return x > left && x < right && y > top && y < bottom;
    });
  };
}

function overlaps(one: Box) {
  return (other: Box) =>
    one.left < other.right && one.right > other.left && one.top < other.bottom && one.bottom > other.top;
}

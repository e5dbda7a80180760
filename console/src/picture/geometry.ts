import type { Life, Mark, Replay } from '../../../src/domain/life/life.ts';
import { type Lane, lanesOf } from './lanes.ts';
import { createTimeScale } from './time-scale.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

interface LaneText extends Point {
  readonly text: string;
  readonly style: 'name' | 'muted' | 'muted small';
}

export interface PlacedLane extends Lane {
  readonly top: number;
  readonly height: number;
  /** The texts of the lane: beside the lane, or inside its upper part in a narrow picture. */
  readonly texts: readonly LaneText[];
}

export interface PlacedMark extends Point {
  readonly mark: Mark;
}

/** The point at which a replayed token was issued. */
export interface PlacedOrigin extends Point {
  readonly replay: Replay;
}

export interface Geometry {
  readonly width: number;
  readonly isNarrow: boolean;
  readonly radius: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly lanes: readonly PlacedLane[];
  readonly marks: readonly PlacedMark[];
  readonly origins: readonly PlacedOrigin[];
  /** Where tokens were issued, in the order of time. The line of the picture connects these points. */
  readonly path: readonly PathPoint[];
  /** The x coordinate of the vertical line that marks the end of the session; null if the session has not ended. */
  readonly endsAt: number | null;
}

export interface PathPoint extends Point {
  readonly device: string;
}

const NARROW = 640;
const LANE_GAP = 8;
const NAMES_WIDTH = 212;

/** Computes the positions of lanes and marks in a picture of this width, below `top`. */
export function layOutLife(life: Life, width: number, top: number): Geometry {
  const isNarrow = width < NARROW;
  const radius = isNarrow ? 9 : 10;
  const left = isNarrow ? 0 : NAMES_WIDTH;
  const frame = { width, isNarrow, radius, left, right: width, top };
  const lanes = placeLanes(life, frame);
  const bottom = lanes.reduce((lowest, lane) => Math.max(lowest, lane.top + lane.height), top);
  const moments = [...life.marks.map(({ at }) => at), ...life.replays.map(({ token }) => token.issuedAt)];
  const scale = createTimeScale(moments, left + (isNarrow ? 24 : 44), width - (isNarrow ? 40 : 56));
  const last = Math.max(1, ...life.marks.map(({ generation }) => generation));
  const place = (at: number, network: string, generation: number): Point => {
    const lane = lanes.find(({ networks }) => networks.includes(network));
    return { x: scale(at), y: yInLane(lane, generation / last, frame) };
  };
  const origins = life.replays.map((replay) => {
    const { issuedAt, network, generation } = replay.token;
    return { replay, ...place(issuedAt, network, generation) };
  });
  const raw = life.marks.map((mark) => ({ mark, ...place(mark.at, mark.network, mark.generation) }));
  const marks = keepApart(raw, radius, width - 26);
  const path = pathOf(life, marks, origins);
  return { ...frame, bottom, lanes, origins, marks, path, endsAt: endOf(life, marks, radius) };
}

/** The points at which tokens were issued. The origin of a replayed token is one of them. */
function pathOf(
  life: Life,
  marks: readonly PlacedMark[],
  origins: readonly PlacedOrigin[],
): readonly PathPoint[] {
  const points = [
    ...marks
      .filter(({ mark }) => life.path.includes(mark))
      .map(({ mark: { at, generation, device }, x, y }) => ({ x, y, at, generation, device })),
    ...origins.map(({ replay: { token }, x, y }) => ({
      x,
      y,
      at: token.issuedAt,
      generation: token.generation,
      device: deviceAt(life, token.issuedAt),
    })),
  ];
  return points.sort((one, other) => one.at - other.at || one.generation - other.generation);
}

function deviceAt({ path }: Life, at: number): string {
  return (path.filter((mark) => mark.at <= at).at(-1) ?? path[0])?.device ?? '';
}

function endOf({ end }: Life, marks: readonly PlacedMark[], radius: number): number | null {
  if (end === null) return null;
  const before = marks.filter(({ mark }) => mark.at <= end.at).map(({ x }) => x);
  return Math.max(0, ...before) + radius + 8;
}

function placeLanes(life: Life, { isNarrow, top, width }: Pick<Geometry, 'isNarrow' | 'top' | 'width'>) {
  const lanes = lanesOf(life);
  const height = isNarrow ? 126 : lanes.length > 4 ? 88 : 112;
  return lanes.map((lane, index): PlacedLane => {
    const laneTop = top + (lanes.length - 1 - index) * (height + LANE_GAP);
    const texts = isNarrow ? textsInside(lane, laneTop, width) : textsBeside(lane, laneTop);
    return { ...lane, height, texts, top: laneTop };
  });
}

function textsBeside({ name, device, note }: Lane, top: number): readonly LaneText[] {
  return [
    { x: 0, y: top + 24, style: 'name', text: truncate(name, 25) },
    { x: 0, y: top + 44, style: 'muted', text: truncate(device, 29) },
    { x: 0, y: top + 62, style: 'muted small', text: note },
  ];
}

function textsInside({ name, device, note }: Lane, top: number, width: number): readonly LaneText[] {
  const most = Math.floor((width - 24) / 6.4);
  return [
    { x: 12, y: top + 20, style: 'name', text: truncate(name, most) },
    { x: 12, y: top + 36, style: 'muted small', text: truncate(`${device} · ${note}`, most) },
  ];
}

function truncate(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** The height of a generation inside a lane. Later generations are higher. */
function yInLane(
  lane: PlacedLane | undefined,
  share: number,
  { isNarrow, radius }: Pick<Geometry, 'isNarrow' | 'radius'>,
): number {
  if (lane === undefined) return 0;
  const above = (isNarrow ? 58 : 24) + radius;
  const below = 12 + radius;
  return lane.top + lane.height - below - share * (lane.height - above - below);
}

/** Moves marks to the right, or upwards at the edge, until none covers another. */
function keepApart(marks: readonly PlacedMark[], radius: number, right: number): readonly PlacedMark[] {
  const apart = 2 * radius + 4;
  const placed: PlacedMark[] = [];
  for (const mark of marks) {
    let { x, y } = mark;
    const covers = (other: Point) => Math.abs(other.x - x) < apart && Math.abs(other.y - y) < apart;
    while (placed.some(covers)) {
      if (x + 2 <= right) x += 2;
      else y -= 2;
    }
    placed.push({ ...mark, x, y });
  }
  return placed;
}

import type { Life, Mark } from '../../../src/domain/life/life.ts';
import { summarizeLife } from '../../../src/domain/life/summarize-life.ts';
import { AXIS_HEIGHT, drawAxis } from './axis.ts';
import { type Geometry, layOutLife, type PlacedLane, type PlacedOrigin } from './geometry.ts';
import { placeLabels } from './labels.ts';
import { devicesOnPath } from './lanes.ts';
import { drawLegend } from './legend.ts';
import { drawMark, round } from './marks.ts';
import { type SvgNode, svg } from './svg.ts';

interface Options {
  /** In pixels. The picture is wider where its marks need more room. */
  readonly width: number;
  /** Whether the picture has a headline, for a file without surrounding text. */
  readonly heading?: boolean;
}

const COLORS = 5;

/** Pixels for each mark. A picture with many marks is wider than its frame. */
const ROOM_PER_MARK = 28;

/** The maximum number of marks in a picture. */
const MOST_MARKS = 150;

/**
 * Draws a session's life: time to the right, generations upwards, a lane for each network, and a color for each device.
 * A red line leads from a replayed token to the point where it was issued. `picture.css` has the style.
 */
export function drawLife(whole: Life, options: Options): SvgNode {
  const { heading = false } = options;
  const summary = summarizeLife(whole);
  const life = latestPart(whole);
  const width = Math.max(options.width, life.marks.length * ROOM_PER_MARK);
  const margin = heading ? 24 : 0;
  const geometry = layOutLife(life, width - 2 * margin, heading ? 58 : 4);
  const legend = drawLegend(life, geometry, geometry.bottom + AXIS_HEIGHT + 8);
  const height = legend.bottom + margin + 4;
  return svg(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `${-margin} ${-margin / 2} ${width} ${height}`,
      width,
      height,
      class: 'life',
      role: 'group',
      'aria-labelledby': 'life-title life-summary',
    },
    svg('title', { id: 'life-title' }, `The life of session ${life.sessionId}`),
    svg(
      'desc',
      { id: 'life-summary' },
      [summary.headline, ...summary.facts.map(({ answer }) => answer)].join(' '),
    ),
    ...(heading ? drawHeading(life, summary.headline, margin, width, height) : []),
    ...geometry.lanes.map((lane) => drawLane(lane, geometry)),
    drawAxis(geometry),
    ...drawPath(life, geometry),
    ...drawEnd(life, geometry),
    ...geometry.origins.map((origin) => drawReplayLine(origin, geometry)),
    ...geometry.marks.map((placed) => drawMark(placed, geometry.radius, colorOf(life, placed.mark.device))),
    ...placeLabels(geometry).map(({ text, x, y, anchor, isAlarm }) =>
      svg(
        'text',
        {
          class: `label${isAlarm ? ' alarm' : ''}`,
          x: round(x),
          y: round(y),
          'text-anchor': anchor,
          'aria-hidden': 'true',
        },
        text,
      ),
    ),
    legend.node,
  );
}

/** Keeps the latest marks of a long life: a theft is at the end. The table below the picture has all marks. */
function latestPart(life: Life): Life {
  const marks = life.marks.slice(-MOST_MARKS);
  const isShown = (mark: Mark) => marks.includes(mark);
  const replays = life.replays.filter(({ mark }) => isShown(mark));
  return { ...life, marks, replays, path: life.path.filter(isShown) };
}

function drawHeading(life: Life, headline: string, margin: number, width: number, height: number) {
  return [
    svg('rect', { class: 'paper', x: -margin, y: -margin / 2, width, height }),
    svg('text', { class: 'headline', x: 0, y: 22 }, headline),
    svg('text', { class: 'muted', x: 0, y: 43 }, `Session ${life.sessionId} of user ${life.userId}`),
  ];
}

function drawLane(lane: PlacedLane, { left, right }: Geometry): SvgNode {
  const { top, height, isForeign, texts } = lane;
  return svg(
    'g',
    { class: isForeign ? 'lane foreign' : 'lane', 'aria-hidden': 'true' },
    svg('rect', { x: left, y: top, width: right - left, height, rx: 8 }),
    ...texts.map(({ text, style, x, y }) => svg('text', { class: style, x, y }, text)),
  );
}

/** Straight lines between the points at which tokens were issued, in the color of the device that held them. */
function drawPath(life: Life, { path }: Geometry): readonly SvgNode[] {
  return path.slice(1).map((to, index) => {
    const from = path[index] ?? to;
    const line = `M${round(from.x)} ${round(from.y)}L${round(to.x)} ${round(to.y)}`;
    return svg('path', { class: `path ${colorOf(life, from.device)}`, d: line });
  });
}

/** A curve from the replay back to the origin of its token. It rises where both have the same height. */
function drawReplayLine({ replay, x, y }: PlacedOrigin, { marks, radius }: Geometry): SvgNode {
  const end = marks.find(({ mark }) => mark === replay.mark) ?? { x, y };
  const bend = Math.max(30, Math.abs(end.x - x) / 2);
  const rise = Math.max(0, 44 - Math.abs(end.y - y));
  const first = `${round(end.x - bend)} ${round(end.y - rise)}`;
  const second = `${round(x + (rise > 0 ? bend : 0))} ${round((y + end.y) / 2 - rise)}`;
  const curve = `M${round(end.x)} ${round(end.y)}C${first} ${second} ${round(x)} ${round(y)}`;
  return svg(
    'g',
    { class: 'origin', 'aria-hidden': 'true' },
    svg('path', { class: 'replay-line', d: curve }),
    svg('circle', { cx: round(x), cy: round(y), r: round(radius * 0.62) }),
  );
}

/** A line across all lanes where the session ended. */
function drawEnd(life: Life, { endsAt, top, bottom }: Geometry): readonly SvgNode[] {
  if (endsAt === null) return [];
  const kind = life.replays.length > 0 ? 'end-line alarm' : 'end-line';
  return [svg('path', { class: kind, d: `M${round(endsAt)} ${top}V${bottom}` })];
}

function colorOf(life: Life, device: string): string {
  const index = devicesOnPath(life).indexOf(device);
  return index < 0 ? 'stranger' : `device-${index % COLORS}`;
}

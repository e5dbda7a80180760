import type { Life, MarkKind } from '../../../src/domain/life/life.ts';
import type { Geometry } from './geometry.ts';
import { devicesOnPath } from './lanes.ts';
import { KIND_NAMES, shapeOf } from './marks.ts';
import { type SvgNode, svg } from './svg.ts';

const ROW = 22;
const CHARACTER = 6.4;

interface Entry {
  readonly text: string;
  readonly sign: (x: number, y: number) => SvgNode;
}

/** Draws the meaning of the shapes and colors in this picture, in rows below `top`. */
export function drawLegend(life: Life, { right }: Geometry, top: number) {
  let [x, y] = [8, top];
  const nodes = entriesOf(life).map(({ text, sign }) => {
    const width = 16 + text.length * CHARACTER + 18;
    if (x > 8 && x + width > right) [x, y] = [8, y + ROW];
    const at = x;
    x += width;
    return svg('g', {}, sign(at, y), svg('text', { class: 'muted small', x: at + 13, y: y + 4 }, text));
  });
  return { node: svg('g', { class: 'legend', 'aria-hidden': 'true' }, ...nodes), bottom: y + ROW / 2 };
}

function entriesOf(life: Life): readonly Entry[] {
  const devices = devicesOnPath(life).map(
    (device, index): Entry => ({
      text: device.length > 32 ? `${device.slice(0, 31)}…` : device,
      sign: (x, y) => svg('path', { class: `path device-${index % 5}`, d: `M${x - 6} ${y}H${x + 7}` }),
    }),
  );
  const present = new Set(life.marks.map(({ kind }) => kind));
  const kinds = (Object.keys(KIND_NAMES) as MarkKind[])
    .filter((kind) => present.has(kind))
    .map(
      (kind): Entry => ({
        text: KIND_NAMES[kind],
        sign: (x, y) => svg('g', { class: `mark sign ${kind}` }, shapeOf(kind, x, y, 5)),
      }),
    );
  const line: Entry = {
    text: 'back to where that token was issued',
    sign: (x, y) => svg('path', { class: 'replay-line', d: `M${x - 6} ${y}H${x + 7}` }),
  };
  return [...devices, ...kinds, ...(life.replays.length > 0 ? [line] : [])];
}

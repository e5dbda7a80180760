import type { Mark, MarkKind } from '../../../src/domain/life/life.ts';
import type { PlacedMark } from './geometry.ts';
import { type SvgNode, svg } from './svg.ts';

/** The names of the kinds in the legend, in its order. */
export const KIND_NAMES: Readonly<Record<MarkKind, string>> = {
  login: 'login',
  address: 'new address',
  agent: 'new device',
  'step-up': 'step-up',
  heal: 'healing',
  latest: 'last refresh',
  block: 'refused',
  replay: 'replayed token',
  end: 'end',
  note: 'other event',
};

/** Draws the shape of a kind of mark around this center. */
export function shapeOf(kind: MarkKind, x: number, y: number, radius: number): SvgNode {
  switch (kind) {
    case 'login':
    case 'latest':
      return svg('circle', { cx: round(x), cy: round(y), r: radius });
    case 'address':
      return polygon(x, y, radius * 1.3, 4, 0);
    case 'step-up':
      return polygon(x, y + radius * 0.15, radius * 1.45, 3, -90);
    case 'heal':
      return polygon(x, y, radius * 1.12, 6, 0);
    case 'replay':
    case 'block':
      return polygon(x, y, radius * 1.2, 8, 22.5);
    default:
      return svg('rect', {
        x: round(x - radius * 0.9),
        y: round(y - radius * 0.9),
        width: round(radius * 1.8),
        height: round(radius * 1.8),
        rx: kind === 'agent' ? 5 : 2,
      });
  }
}

/** Draws a mark as a link to its row in the table. It can have the focus, and its facts are its accessible name. */
export function drawMark({ mark, x, y }: PlacedMark, radius: number, color: string): SvgNode {
  const { kind, number } = mark;
  const low = kind === 'step-up' ? 5 : 3.5;
  return svg(
    'a',
    { href: `#event-${number}`, class: `mark ${kind} ${color}`, 'aria-label': markInWords(mark) },
    svg('title', {}, markInWords(mark)),
    svg('circle', { class: 'halo', cx: round(x), cy: round(y), r: radius + 5 }),
    shapeOf(kind, x, y, radius),
    svg('text', { class: 'number', x: round(x), y: round(y + low), 'text-anchor': 'middle' }, String(number)),
  );
}

/** All facts of a mark in one line. */
export function markInWords({
  number,
  title,
  moment,
  generation,
  address,
  device,
  actor,
  facts,
}: Mark): string {
  const by = actor === null ? [] : [`by ${actor}`];
  const what = [title, moment, `generation ${generation}`, `${address}, ${device}`, ...by];
  return `${number}. ${what.join(' · ')}${facts.map((fact) => ` · ${fact}`).join('')}`;
}

function polygon(x: number, y: number, radius: number, corners: number, turned: number): SvgNode {
  const points = Array.from({ length: corners }, (_, corner) => {
    const angle = ((360 / corners) * corner + turned) * (Math.PI / 180);
    return `${round(x + radius * Math.cos(angle))},${round(y + radius * Math.sin(angle))}`;
  });
  return svg('polygon', { points: points.join(' ') });
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

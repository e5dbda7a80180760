/** The milliseconds of a refresh at one number of families. */
export interface Point {
  readonly families: number;
  readonly p50: number;
  readonly p99: number;
}

const WIDTH = 640;
const HEIGHT = 320;
const LEFT = 60;
const BOTTOM = 50;
const TOP = 30;
const COLOURS = { p50: '#1f6feb', p99: '#bc4c00' };

/** Draws the time of a refresh over the number of families, on a logarithmic axis. */
export function growthPlot(points: readonly Point[]): string {
  const most = Math.max(...points.map(({ p99 }) => p99)) * 1.1;
  const [first, last] = [Math.log10(points[0]!.families), Math.log10(points.at(-1)!.families)];
  const x = ({ families }: Point) =>
    LEFT + ((Math.log10(families) - first) / (last - first || 1)) * (WIDTH - 2 * LEFT);
  const y = (milliseconds: number) => HEIGHT - BOTTOM - (milliseconds / most) * (HEIGHT - BOTTOM - TOP);

  const line = (name: 'p50' | 'p99') => {
    const corners = points.map((point) => `${x(point).toFixed(1)},${y(point[name]).toFixed(1)}`).join(' ');
    const end = points.at(-1)!;
    return [
      `<polyline points="${corners}" fill="none" stroke="${COLOURS[name]}" stroke-width="2"/>`,
      ...points.map(
        (point) =>
          `<circle cx="${x(point).toFixed(1)}" cy="${y(point[name]).toFixed(1)}" r="3" fill="${COLOURS[name]}"/>`,
      ),
      text(x(end) + 8, y(end[name]) + 4, 'start', name, COLOURS[name]),
    ];
  };
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => (most / 1.1) * share);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    '<title>Milliseconds of one refresh over the number of families in the table</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT, 18, 'start', 'Milliseconds of one refresh, 32 clients'),
    ...ticks.flatMap((tick) => [
      `<line x1="${LEFT}" x2="${WIDTH - LEFT}" y1="${y(tick)}" y2="${y(tick)}" stroke="#d0d7de"/>`,
      text(LEFT - 8, y(tick) + 4, 'end', tick.toFixed(1)),
    ]),
    ...points.map((point) =>
      text(x(point), HEIGHT - BOTTOM + 18, 'middle', point.families.toLocaleString('en')),
    ),
    text(WIDTH / 2, HEIGHT - 10, 'middle', 'families in the table'),
    ...line('p50'),
    ...line('p99'),
    '</svg>',
    '',
  ].join('\n');
}

function text(x: number, y: number, anchor: string, words: string, colour = '#1f2328'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}">${words}</text>`;
}

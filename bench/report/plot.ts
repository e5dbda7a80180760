/** The milliseconds of a refresh at one number of families. */
export interface GrowthPoint {
  readonly families: number;
  readonly p50: number;
  readonly p99: number;
}

interface Line {
  readonly name: string;
  readonly color: string;
  readonly corners: readonly (readonly [number, number])[];
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
  /** Whether the axis of x is logarithmic. */
  readonly isLogarithmic?: boolean;
  readonly xTicks: readonly (readonly [number, string])[];
  readonly digits: number;
}

const WIDTH = 640;
const HEIGHT = 320;
const LEFT = 60;
const BOTTOM = 50;
const TOP = 30;
const BLUE = '#1f6feb';
const ORANGE = '#bc4c00';
/** A line with more corners than this has no circles. */
const MAX_CIRCLES = 20;

/** Draws the time of a refresh over the number of families, on a logarithmic axis. */
export function growthPlot(points: readonly GrowthPoint[]): string {
  const line = (name: 'p50' | 'p99', color: string): Line => {
    return { name, color, corners: points.map((point) => [point.families, point[name]]) };
  };
  const panel: Panel = {
    title: 'Milliseconds of one refresh, 32 clients',
    lines: [line('p50', BLUE), line('p99', ORANGE)],
    isLogarithmic: true,
    xTicks: points.map(({ families }) => [families, families.toLocaleString('en')]),
    digits: 1,
  };
  const title = 'Milliseconds of one refresh over the number of families in the table';
  return picture(title, 'families in the table', [panel]);
}

/** Draws figures of a soak over its minutes. Each sample holds its figures by their names. */
export function soakPlot(samples: readonly Readonly<Record<string, number>>[]): string {
  const last = samples.at(-1)?.minutes ?? 0;
  const xTicks = [0, 0.25, 0.5, 0.75, 1].map((share) => [last * share, (last * share).toFixed(1)] as const);
  const panel = (title: string, digits: number, names: Readonly<Record<string, string>>): Panel => {
    const lines = Object.entries(names).map(([name, figure], index) => {
      const corners = samples.map((sample) => [sample.minutes!, sample[figure] || 0] as const);
      return { name, color: [BLUE, ORANGE][index]!, corners };
    });
    return { title, lines, xTicks, digits };
  };
  return picture('Memory, descriptors, outbox and latency over the minutes of a soak', 'minutes', [
    panel('Memory of the service, MB', 0, { resident: 'memory, MB', heap: 'heap, MB' }),
    panel('Open file descriptors', 0, { open: 'open descriptors' }),
    panel('Outbox rows that wait', 0, { rows: 'waiting outbox rows' }),
    panel('p99, ms', 0, { refresh: 'refresh: p99, ms', login: 'login: p99, ms' }),
  ]);
}

/** Draws the panels below each other, with the same unit of x. */
function picture(title: string, xUnit: string, panels: readonly Panel[]): string {
  const height = HEIGHT * panels.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...panels.flatMap((panel, index) => drawPanel(panel, xUnit, index * HEIGHT)),
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel(panel: Panel, xUnit: string, above: number): string[] {
  const { title, lines, isLogarithmic = false, xTicks, digits } = panel;
  const most = Math.max(...lines.flatMap(({ corners }) => corners.map(([, y]) => y))) * 1.1 || 1;
  const scaled = (value: number) => (isLogarithmic ? Math.log10(value) : value);
  const [first, last] = [scaled(xTicks[0]![0]), scaled(xTicks.at(-1)![0])];
  const x = (value: number) => LEFT + ((scaled(value) - first) / (last - first || 1)) * (WIDTH - 2 * LEFT);
  const y = (value: number) => above + HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);

  const drawLine = ({ name, color, corners }: Line) => {
    const places = corners.map((corner) => [x(corner[0]).toFixed(1), y(corner[1]).toFixed(1)] as const);
    const circles = corners.length > MAX_CIRCLES ? [] : places;
    const [endX, endY] = corners.at(-1)!;
    return [
      `<polyline points="${places.map((place) => place.join()).join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
      ...circles.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${color}"/>`),
      text(x(endX) + 8, y(endY) + 4, 'start', name, color),
    ];
  };
  const yTicks = [0, 0.25, 0.5, 0.75, 1].map((share) => (most / 1.1) * share);
  return [
    text(LEFT, above + 18, 'start', title),
    ...yTicks.flatMap((tick) => [
      `<line x1="${LEFT}" x2="${WIDTH - LEFT}" y1="${y(tick)}" y2="${y(tick)}" stroke="#d0d7de"/>`,
      text(LEFT - 8, y(tick) + 4, 'end', tick.toFixed(digits)),
    ]),
    ...xTicks.map(([value, words]) => text(x(value), above + HEIGHT - BOTTOM + 18, 'middle', words)),
    text(WIDTH / 2, above + HEIGHT - 10, 'middle', xUnit),
    ...lines.flatMap(drawLine),
  ];
}

function text(x: number, y: number, anchor: string, words: string, color = '#1f2328'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${color}">${words}</text>`;
}

/** Maps moments to positions. */
export type TimeScale = (at: number) => number;

/** The minimum distance between two moments, in pixels. */
const LEAST = 34;

/** The share of the width that all minimum distances together may take. */
const LEAST_SHARE = 0.7;

/**
 * Creates a scale between two positions, with a minimum distance between the moments. A theft takes seconds in a
 * session of weeks. So the width between two moments grows with the cube root of the time between them. Inside that
 * width, time is linear.
 */
export function createTimeScale(moments: readonly number[], left: number, right: number): TimeScale {
  const knots = [...new Set(moments)].sort((one, other) => one - other);
  const gaps = knots.slice(1).map((knot, index) => knot - (knots[index] ?? knot));
  if (gaps.length === 0) return () => (left + right) / 2;
  const width = right - left;
  const least = Math.min(LEAST, (width * LEAST_SHARE) / gaps.length);
  const weights = gaps.map(Math.cbrt);
  const perWeight = (width - least * gaps.length) / weights.reduce((sum, weight) => sum + weight, 0);
  const positions = [left];
  let position = left;
  for (const weight of weights) {
    position += least + weight * perWeight;
    positions.push(position);
  }
  return (at) => interpolate(knots, positions, at);
}

function interpolate(knots: readonly number[], positions: readonly number[], at: number): number {
  const next = knots.findIndex((knot) => knot >= at);
  const [to = 0, position = 0] = [knots.at(next), positions.at(next)];
  const [from, before] = [knots[next - 1], positions[next - 1]];
  if (next < 0 || from === undefined || before === undefined) return position;
  return before + ((at - from) / (to - from)) * (position - before);
}

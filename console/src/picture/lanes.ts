import type { Life, Mark } from '../../../src/domain/life/life.ts';
import { plural } from '../../../src/domain/plural.ts';

/** A lane of the picture: one network, or several networks that share the lane. */
export interface Lane {
  readonly networks: readonly string[];
  readonly name: string;
  readonly device: string;
  readonly note: string;
  /** Whether no request from these networks got a token, and at least one was a replay or was blocked. */
  readonly isForeign: boolean;
}

/** The maximum number of lanes. With more lanes the picture is unreadable. */
const MOST_LANES = 7;

/** The lanes from bottom to top: networks in the order in which they appeared, foreign networks last. */
export function lanesOf(life: Life): readonly Lane[] {
  const networks = [...new Set(life.marks.map(({ network }) => network))];
  const lanes = networks.map((network) => laneOf(life, [network]));
  const own = lanes.filter(({ isForeign }) => !isForeign);
  const foreign = lanes.filter(({ isForeign }) => isForeign);
  return [...mergeMiddleLanes(life, own, MOST_LANES - 2), ...mergeMiddleLanes(life, foreign, 2)];
}

/** Keeps the first lane and the latest lanes. The lanes between them become one lane. */
function mergeMiddleLanes(life: Life, lanes: readonly Lane[], most: number): readonly Lane[] {
  if (lanes.length <= most) return lanes;
  const [first, ...rest] = lanes;
  const kept = most - 2;
  const shared = rest.slice(0, rest.length - kept).flatMap(({ networks }) => networks);
  return [...(first ? [first] : []), laneOf(life, shared), ...rest.slice(rest.length - kept)];
}

function laneOf(life: Life, networks: readonly string[]): Lane {
  const marks = life.marks.filter(({ network }) => networks.includes(network));
  const accepted = life.path.filter(({ network }) => networks.includes(network));
  const [network = ''] = networks;
  return {
    networks,
    name: networks.length === 1 ? network : plural(networks.length, 'other network'),
    device: devicesOf(marks),
    note: noteOf(accepted),
    isForeign: accepted.length === 0 && marks.some(({ kind }) => kind === 'replay' || kind === 'block'),
  };
}

function devicesOf(marks: readonly Mark[]): string {
  const [first = '', ...others] = new Set(marks.map(({ device }) => device));
  return others.length === 0 ? first : `${first}, and ${plural(others.length, 'other')}`;
}

function noteOf(accepted: readonly Mark[]): string {
  if (accepted.length === 0) return 'never got a token';
  if (accepted.some(({ kind }) => kind === 'login')) return 'the login';
  return accepted.some(({ kind }) => kind === 'latest') ? 'the last refresh' : 'got tokens';
}

/** The devices in the order in which they appeared. Each has a color. */
export function devicesOnPath(life: Life): readonly string[] {
  return [...new Set(life.path.map(({ device }) => device))];
}

/** A figure, and the goal that the service must meet. */
export interface Goal {
  readonly what: string;
  readonly wanted: string;
  readonly measured: number;
  readonly isMet: boolean;
}

export function atLeast(what: string, least: number, measured: number): Goal {
  return { what, wanted: `≥ ${least}`, measured, isMet: measured >= least };
}

export function atMost(what: string, most: number, measured: number): Goal {
  return { what, wanted: `≤ ${most}`, measured, isMet: measured <= most };
}

export function goalsTable(goals: readonly Goal[]): string {
  const rows = goals.map(
    ({ what, wanted, measured, isMet }) =>
      `| ${what} | ${wanted} | ${round(measured)} | ${isMet ? 'yes' : 'no'} |`,
  );
  return ['| goal | wanted | measured | met |', '| --- | ---: | ---: | --- |', ...rows].join('\n');
}

function round(number: number): string {
  return Number.isInteger(number) ? String(number) : number.toPrecision(3);
}

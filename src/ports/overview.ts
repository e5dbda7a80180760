/**
 * What this replica has counted since it started, and what waits in the database. Null: the database did not answer in
 * time.
 */
export interface Counts {
  readonly logins: number;
  readonly refreshes: number;
  /** Refused logins and refreshes by what was refused and why, such as `login invalid_credentials`. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly mailsWaiting: number | null;
  readonly eventsWaiting: number | null;
  readonly deliveriesWaiting: number | null;
}

export interface DependencyState {
  readonly name: string;
  readonly isUp: boolean;
}

/** The counts of all processes of this replica, and the states of the connections that they hold. */
export interface Readings {
  readonly counts: Counts;
  readonly connections: readonly DependencyState[];
}

export type ReadReadings = () => Promise<Readings>;

/** The outage of one dependency. It is logged once, and not at each failed call. */
export interface Outage {
  isOngoing(): boolean;
  /** Calls `log` unless the outage is ongoing for the same reason. */
  begin(log: () => void, reason?: string): void;
  /** Ends the outage. Calls `log` if there was one. */
  end(log?: () => void): void;
}

export function createOutage(): Outage {
  let ongoing: string | null = null;
  return {
    isOngoing: () => ongoing !== null,
    begin(log, reason = 'unavailable') {
      if (ongoing !== reason) log();
      ongoing = reason;
    },
    end(log) {
      if (ongoing !== null) log?.();
      ongoing = null;
    },
  };
}

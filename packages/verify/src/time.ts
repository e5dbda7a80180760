/** A moment by both clocks of the platform, in milliseconds. */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

export function readClocks(): Instant {
  return { wall: Date.now(), monotonic: performance.now() };
}

/**
 * Milliseconds since a moment. The wall clock may be set back, and the monotonic clock may stand still while the
 * machine sleeps. The larger figure counts.
 */
export function elapsedSince({ wall, monotonic }: Instant): number {
  return Math.max(Date.now() - wall, performance.now() - monotonic);
}

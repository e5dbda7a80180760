/**
 * Starts a countdown; the function that it returns gives the milliseconds left. Of two clocks the smaller answer counts:
 * the monotonic clock stands still while the machine sleeps, and the clock of the day may be set back.
 */
export function countdown(span: number, start = Date.now()): () => number {
  const end = performance.now() + span;
  return () => Math.min(end - performance.now(), start + span - Date.now());
}

/**
 * Starts a countdown, and returns a function that returns the milliseconds left: the smaller value of two clocks. The
 * monotonic clock may stop while the machine sleeps, and the wall clock may be set back.
 */
export function countdown(span: number, start = Date.now()): () => number {
  const end = performance.now() + span;
  return () => Math.min(end - performance.now(), start + span - Date.now());
}

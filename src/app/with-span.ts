import type { SpanStart, Tracing } from '../ports/tracing.ts';

/** Runs the work within a new span; without tracing it only runs the work. */
export async function withSpan<Result>(
  tracing: Tracing | null,
  start: SpanStart,
  work: () => Promise<Result>,
): Promise<Result> {
  if (tracing === null) return work();
  const span = tracing.start(start);
  try {
    const result = await span.within(work);
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

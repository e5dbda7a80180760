import type { Logger } from '../adapters/telemetry/log.ts';
import { withSpan } from '../app/with-span.ts';
import type { Config } from '../config.ts';
import type { SpanStart, Tracing } from '../ports/tracing.ts';
import { type Methods, wrapMethods } from './wrap-methods.ts';

/** Opens tracing. Without a configured collector, `tracing` is null and no tracing code is loaded. */
export async function openTracing(
  { traces }: Pick<Config, 'traces'>,
  log: Logger,
): Promise<{ tracing: Tracing | null; close(): Promise<void> }> {
  if (traces === null) return { tracing: null, close: async () => {} };
  const { createTracing } = await import('../adapters/telemetry/tracing.ts');
  const { close, ...tracing } = createTracing(traces, log);
  return { tracing, close };
}

/** Wraps each method in a span. A call outside of a trace, such as a poll, starts no trace. */
export function withSpans<T extends Methods<T>>(
  tracing: Tracing | null,
  methods: T,
  spanOf: (name: string) => SpanStart,
): T {
  if (tracing === null) return methods;
  return wrapMethods(methods, (name, method) => {
    const span = spanOf(name);
    return (...input) => {
      const within = tracing.current() === null ? null : tracing;
      return withSpan(within, span, () => method(...input));
    };
  });
}

/** Wraps each method of a store in a client span. Most methods are one statement or one transaction. */
export function withStoreSpans<T extends Methods<T>>(tracing: Tracing | null, subject: string, store: T): T {
  return withSpans(tracing, store, (method) => ({
    name: `${subject}.${method}`,
    kind: 'client',
    facts: { 'db.system.name': 'postgresql', 'db.operation.name': method, 'db.collection.name': subject },
  }));
}

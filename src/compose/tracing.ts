import type { Logger } from '../adapters/telemetry/log.ts';
import { traced } from '../app/traced.ts';
import type { Config } from '../config.ts';
import type { SpanStart, Tracing } from '../ports/tracing.ts';
import { eachVerb, type Verbs } from './each-verb.ts';

/** Null where nobody collects traces: then nothing of it is loaded, and nothing of it runs. */
export async function openTracing(
  { traces }: Pick<Config, 'traces'>,
  log: Logger,
): Promise<{ tracing: Tracing | null; close(): Promise<void> }> {
  if (traces === null) return { tracing: null, close: async () => {} };
  const { createTracing } = await import('../adapters/telemetry/tracing.ts');
  const { close, ...tracing } = createTracing(traces, log);
  return { tracing, close };
}

/** The same functions, each call of which is a span; a call outside of any, such as a poll, is no trace of its own. */
export function tracedVerbs<T extends Verbs<T>>(
  tracing: Tracing | null,
  verbs: T,
  spanOf: (name: string) => SpanStart,
): T {
  if (tracing === null) return verbs;
  return eachVerb(verbs, (name, verb) => {
    const span = spanOf(name);
    return (...input) => {
      const within = tracing.current() === null ? null : tracing;
      return traced(within, span, () => verb(...input));
    };
  });
}

/** Every method of a store is one statement or one transaction. */
export function tracedStore<T extends Verbs<T>>(tracing: Tracing | null, subject: string, store: T): T {
  return tracedVerbs(tracing, store, (method) => ({
    name: `${subject}.${method}`,
    kind: 'client',
    facts: { 'db.system.name': 'postgresql', 'db.operation.name': method, 'db.collection.name': subject },
  }));
}

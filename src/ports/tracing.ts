/** Where a trace goes on, as the headers of W3C Trace Context have it. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** What is known of a span beside its name: never a token, a password, an address or a value of a statement. */
export type SpanFacts = Readonly<Record<string, string | number>>;

export interface SpanStart {
  /** Out of a bounded set of names. */
  readonly name: string;
  /** Who asked for the work: a request that came in, this service of others, or this service of itself. */
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  readonly facts?: SpanFacts;
  /** The span of another process, or of an earlier time, that this one continues; else the one under way. */
  readonly parent?: TraceContext | null;
}

export interface Span {
  /** Runs the work, and all that it waits for, within this span. */
  within<Result>(work: () => Result): Result;
  note(facts: SpanFacts): void;
  /** To be called once, with the error if the work failed. */
  end(failure?: unknown): void;
}

/** Spans of what the service does. Nothing that is done fails or waits because of them. */
export interface Tracing {
  start(span: SpanStart): Span;
  readonly current: CurrentTrace;
}

/** The span under way, for work that goes on elsewhere or later; null outside of any. */
export type CurrentTrace = () => TraceContext | null;

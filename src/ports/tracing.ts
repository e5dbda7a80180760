/** The context that a trace continues from, as the headers of W3C Trace Context. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** The attributes of a span: never a token, a password, an address or a parameter of a statement. */
export type SpanAttributes = Readonly<Record<string, string | number>>;

export interface SpanStart {
  /** Must come from a bounded set of names. */
  readonly name: string;
  /** The span kind of OpenTelemetry. */
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  readonly facts?: SpanAttributes;
  /** The span that this one continues, from another process or an earlier time. Default: the current span. */
  readonly parent?: TraceContext | null;
}

export interface Span {
  /** Runs the work, including its asynchronous parts, within this span. */
  within<Result>(work: () => Result): Result;
  note(facts: SpanAttributes): void;
  /** Must be called once, with the error if the work failed. */
  end(failure?: unknown): void;
}

/** Records spans. Tracing never makes the traced work fail or wait. */
export interface Tracing {
  start(span: SpanStart): Span;
  readonly current: CurrentTrace;
}

/** The current span, for work that continues in another process or later; null outside a span. */
export type CurrentTrace = () => TraceContext | null;

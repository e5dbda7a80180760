import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent, TraceState } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { Refusal } from '../../domain/refusal.ts';
import type { Log } from '../../ports/log.ts';
import type { Span, SpanStart, TraceContext, Tracing } from '../../ports/tracing.ts';
import { type SamplerChoice, samplerOf } from './sampler.ts';
import { logExportFailures } from './span-exporter.ts';

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** Milliseconds between two exports, and those that one may take. */
const BATCH = { scheduledDelayMillis: 1_000, exportTimeoutMillis: 5_000 };

interface Options {
  /** The collector, OTLP over HTTP. */
  readonly endpoint: string;
  readonly serviceName: string;
  /** What every span says of this process, beside the name of the service. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly sampler: SamplerChoice;
}

/** Spans by OpenTelemetry, sent to a collector. `close` sends what is left. */
export function createTracing(
  { endpoint, serviceName, attributes, sampler }: Options,
  log: Log,
): Tracing & { close(): Promise<void> } {
  const exporter = logExportFailures(new OTLPTraceExporter({ url: tracesOf(endpoint) }), log);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ ...attributes, 'service.name': serviceName }),
    sampler: samplerOf(sampler),
    spanProcessors: [new BatchSpanProcessor({ exporter, ...BATCH })],
  });
  return { ...tracingWith(provider.getTracer('kinship')), close: () => provider.shutdown() };
}

/** The collector's address for traces: see the OTLP exporter specification, "Endpoint URLs for OTLP/HTTP". */
function tracesOf(endpoint: string): string {
  return `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}

function tracingWith(tracer: Tracer): Tracing {
  /** The span under way: OpenTelemetry's own notion of it is one for the whole process. */
  const active = new AsyncLocalStorage<OtelSpan>();

  return {
    start({ name, kind, facts = {}, parent }) {
      const span = tracer.startSpan(name, { kind: KINDS[kind], attributes: facts }, contextOf(parent));
      return {
        within: (work) => active.run(span, work),
        note: (more) => void span.setAttributes(more),
        end: (failure) => end(span, failure),
      } satisfies Span;
    },

    current() {
      const span = active.getStore();
      return span === undefined ? null : headersOf(span);
    },
  };

  function contextOf(parent: SpanStart['parent']) {
    const remote = parent ? spanOf(parent) : null;
    const span = remote ?? active.getStore();
    return span === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, span);
  }
}

function end(span: OtelSpan, failure: unknown): void {
  // The names of errors are ours; their messages may quote what a client sent.
  if (failure instanceof Refusal) span.setAttribute('kinship.code', failure.code);
  if (failure !== undefined && !isOrdinary(failure)) {
    span.setAttribute('error.type', failure instanceof Error ? failure.name : typeof failure);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** A refusal is an answer like others, unless it is the service that could not. */
function isOrdinary(failure: unknown): boolean {
  return failure instanceof Refusal && failure.code !== 'unavailable';
}

function spanOf({ traceparent, tracestate }: TraceContext): OtelSpan | null {
  const context = parseTraceParent(traceparent);
  if (context === null) return null;
  const traceState = tracestate === undefined ? {} : { traceState: new TraceState(tracestate) };
  return trace.wrapSpanContext({ ...context, ...traceState, isRemote: true });
}

function headersOf(span: OtelSpan): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const flags = traceFlags.toString(16).padStart(2, '0');
  const state = traceState?.serialize() ?? '';
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(state !== '' && { tracestate: state }) };
}

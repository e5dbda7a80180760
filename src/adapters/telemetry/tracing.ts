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
import { withDeadline } from '../../lib/time.ts';
import type { Log } from '../../ports/log.ts';
import type { Span, SpanStart, TraceContext, Tracing } from '../../ports/tracing.ts';
import { createSampler, type SamplerChoice } from './sampler.ts';
import { logExportFailures } from './span-exporter.ts';

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** Milliseconds between two exports, and the maximum duration of one. */
const BATCH = { scheduledDelayMillis: 1_000, exportTimeoutMillis: 5_000 };

/** Milliseconds that `close` waits for the collector, so that the shutdown keeps its deadline. */
const CLOSING = 2_000;

interface Options {
  /** Base URL of the collector, OTLP over HTTP. */
  readonly endpoint: string;
  /** Header fields of each export. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Resource attributes of every span, in addition to `service.name`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly sampler: SamplerChoice;
}

/**
 * Creates tracing with OpenTelemetry. Spans are sent to a collector. `close` sends the remaining spans. If the
 * collector does not accept them in time, `close` logs that and resolves.
 */
export function createTracing(
  { endpoint, headers, serviceName, attributes, sampler }: Options,
  log: Log,
): Tracing & { close(): Promise<void> } {
  const exporter = logExportFailures(new OTLPTraceExporter({ url: tracesUrl(endpoint), headers }), log);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ ...attributes, 'service.name': serviceName }),
    sampler: createSampler(sampler),
    spanProcessors: [new BatchSpanProcessor({ exporter, ...BATCH })],
  });
  return { ...wrapTracer(provider.getTracer('kinship')), close };

  async function close(): Promise<void> {
    const late = () => new Error(`The collector did not accept the last spans within ${CLOSING} ms.`);
    try {
      await withDeadline(CLOSING, provider.shutdown(), late);
    } catch (err) {
      log.warn({ err }, 'the last traces are lost: the collector did not accept them');
    }
  }
}

/** See the OTLP exporter specification, "Endpoint URLs for OTLP/HTTP". */
function tracesUrl(endpoint: string): string {
  return `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}

function wrapTracer(tracer: Tracer): Tracing {
  /** The active span of this service. OpenTelemetry's own context manager is global to the process. */
  const active = new AsyncLocalStorage<OtelSpan>();

  return {
    start({ name, kind, facts = {}, parent }) {
      const span = tracer.startSpan(name, { kind: KINDS[kind], attributes: facts }, contextOf(parent));
      return {
        within: (work) => active.run(span, work),
        note: (more) => void span.setAttributes(more),
        end: (failure) => endSpan(span, failure),
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

function endSpan(span: OtelSpan, failure: unknown): void {
  // Only the name of an error is recorded: its message may quote input of a client.
  if (failure instanceof Refusal) span.setAttribute('kinship.code', failure.code);
  if (failure !== undefined && !isExpected(failure)) {
    span.setAttribute('error.type', failure instanceof Error ? failure.name : typeof failure);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** A refusal is an expected answer, except `unavailable`, which is a fault of the service. */
function isExpected(failure: unknown): boolean {
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

import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Log } from '../../ports/log.ts';

/** `ExportResultCode.SUCCESS` of OpenTelemetry. */
const SUCCESS = 0;

/** Logs when the collector stops accepting spans and when it resumes. OpenTelemetry itself logs neither. */
export function logExportFailures(exporter: SpanExporter, log: Log): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== SUCCESS;
        if (failed && !isFailing)
          log.warn(
            { err: result.error },
            'the collector is not reachable: traces are lost until it answers; check OTEL_EXPORTER_OTLP_ENDPOINT',
          );
        if (!failed && isFailing) log.info({}, 'the collector answers again: traces are exported');
        isFailing = failed;
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

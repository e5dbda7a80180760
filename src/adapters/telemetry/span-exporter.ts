import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Log } from '../../ports/log.ts';

/** `ExportResultCode.SUCCESS` of OpenTelemetry. */
const SUCCESS = 0;

/** OpenTelemetry is silent about a collector that is away; this says it when it goes and when it is back. */
export function logExportFailures(exporter: SpanExporter, log: Log): SpanExporter {
  let away = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== SUCCESS;
        if (failed && !away)
          log.warn({ err: result.error }, 'traces cannot be exported, and are lost meanwhile');
        if (!failed && away) log.info({}, 'traces are exported again');
        away = failed;
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

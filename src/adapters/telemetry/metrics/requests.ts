import type { Instruments } from './instruments.ts';

/** A request at its end. `path` is the pattern of its route. */
export interface EndedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
}

/** The methods that become labels. A client can send any text as the method, so the set must be closed. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

/** Creates the metrics of requests, and returns the function that counts one request. */
export function createRequestMetrics({ counter, histogram }: Instruments): (request: EndedRequest) => void {
  const total = counter('http_requests_total', 'Requests that have ended.', 'method', 'path', 'status');
  const duration = histogram(
    'http_request_duration_seconds',
    'Time from the headers of a request to the end of its answer or of its connection.',
    SECONDS,
    'method',
    'path',
  );

  return ({ path, status, milliseconds, ...request }) => {
    const method = METHODS.has(request.method) ? request.method : 'other';
    total.inc({ method, path, status });
    duration.observe({ method, path }, milliseconds / 1000);
  };
}

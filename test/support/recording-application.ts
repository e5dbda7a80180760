import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';

interface RecordedRequest {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The application behind a proxy. It answers all requests, and records them. */
export async function startRecordingApplication(t: Test) {
  const requests: RecordedRequest[] = [];
  const server = createServer({ maxHeaderSize: 65_536 }, async (request, response) => {
    const body = await text(request);
    requests.push({ method: request.method, headers: request.headers, body });
    response.end('the application');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { requests, port: (server.address() as AddressInfo).port };
}

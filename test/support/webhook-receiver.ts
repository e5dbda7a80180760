import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers a request. The body was read already. */
type Answer = (response: ServerResponse, request: ReceivedRequest) => void;

/** A receiver of webhooks on a loopback address. Answers 204 unless the test says otherwise. */
export async function webhookReceiver(t: Pick<Test, 'teardown'>, host = '127.0.0.1', port = 0) {
  const requests: ReceivedRequest[] = [];
  let answer: Answer = (response) => void response.writeHead(204).end();
  const server = createServer(async (request, response) => {
    const received = { ...factsOf(request), body: await readBody(request) };
    requests.push(received);
    answer(response, received);
  });
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port: actual } = server.address() as AddressInfo;

  return {
    url: `http://${host}:${actual}/hook`,
    port: actual,
    requests,
    connections: () => connections,
    answerWith(next: Answer) {
      answer = next;
    },
  };
}

function factsOf({ method = '', url = '', headers }: IncomingMessage) {
  return { method, path: url, headers: headers as Record<string, string> };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return body;
}

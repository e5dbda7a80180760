import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

/** Serves a key set, and counts the connections. */
export async function countingListener(t: Pick<Test, 'teardown'>, keySet: object) {
  const counted = { url: '', connections: 0 };
  const server = createServer((_request, response) => {
    response.setHeader('connection', 'close').end(JSON.stringify(keySet));
  });
  server.on('connection', () => {
    counted.connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  counted.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys.json`;
  return counted;
}

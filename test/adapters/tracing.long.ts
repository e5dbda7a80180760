import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { createTracing } from '../../src/adapters/telemetry/tracing.ts';
import { startCollector } from '../support/collector.ts';
import { freePort } from '../support/ports.ts';

const LOST = 'the last traces are lost: the collector did not accept them';

/** Tracing that exports to this endpoint, and its log lines. */
function tracingTo(endpoint: string) {
  const lines: string[] = [];
  const write = (_members: object, message: string) => void lines.push(message);
  const sampler = { kind: 'always_on', ratio: 1 } as const;
  const options = { endpoint, headers: {}, serviceName: 'kinship', attributes: {}, sampler };
  return { ...createTracing(options, { info: write, warn: write, error: write }), lines };
}

/** Starts a collector that handles the first bytes of each connection with `answer`. Returns its URL. */
async function rawCollector(t: Test, answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).once('data', () => answer(socket)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test(
  'closing does not fail because of a faulty collector, and logs that the last traces are lost',
  async (t) => {
    const collectors: Record<string, () => Promise<string>> = {
      'is down': async () => `http://127.0.0.1:${await freePort()}`,
      'never answers': () => rawCollector(t, () => {}),
      'cuts each connection': () => rawCollector(t, (socket) => socket.destroy()),
      'changes the protocol': () =>
        rawCollector(t, (socket) =>
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n'),
        ),
      'speaks another protocol': () =>
        rawCollector(t, (socket) => socket.write('220 mail.example ESMTP\r\n')),
    };
    for (const [name, start] of Object.entries(collectors)) {
      const { start: startSpan, close, lines } = tracingTo(await start());
      startSpan({ name: 'a request', kind: 'server' }).end();
      await close();
      t.equal(lines.at(-1), LOST, name);
    }
  },
);

t.test('closing sends the last spans to a collector that works, and logs nothing', async (t) => {
  const collector = await startCollector(t);
  const { start, close, lines } = tracingTo(collector.url);
  start({ name: 'a request', kind: 'server' }).end();
  await close();
  t.match(collector.onlySpan('a request'), { name: 'a request' });
  t.same(lines, []);
});

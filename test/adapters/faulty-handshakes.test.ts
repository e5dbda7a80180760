import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { execute } from '../../src/adapters/postgres/execute.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';

/** Tests with servers that answer in pieces, twice, wrongly or never during the handshake. */

const message = (type: string, body: Buffer = Buffer.alloc(0)) => {
  const head = Buffer.from(`${type}\0\0\0\0`);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const READY = message('Z', Buffer.from('I'));
const GREETING = Buffer.concat([message('R', Buffer.alloc(4)), message('S', Buffer.from('a\0b\0')), READY]);
const SETTINGS = ['UTF8', 'f', 'off', 'me', '4s', 'UTF8', 'ISO, MDY', 'hex', 'on', 'on', 'read committed'];
const ERROR = message('E', Buffer.from('SFATAL\0C57P01\0Mgoing away\0\0'));

function row(fields: readonly string[]): Buffer {
  const count = Buffer.alloc(2);
  count.writeUInt16BE(fields.length);
  const parts = fields.map((field) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(field.length);
    return Buffer.concat([length, Buffer.from(field)]);
  });
  return message('D', Buffer.concat([count, ...parts]));
}

/** The answers of a server: `greeting` to the startup message, `settings` to the first statements. */
interface Script {
  greeting?: Buffer | null;
  settings?: Buffer;
  /** The number of bytes in each write. */
  pieces?: number;
  /** Whether the server ends the connection after `settings`. */
  ends?: boolean;
}

const HEALTHY = Buffer.concat([row(SETTINGS), READY]);

async function serve(t: Test, { greeting = GREETING, settings = HEALTHY, pieces = 1e6, ends }: Script) {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.on('error', () => {}));
    let heard = 0;
    socket.on('data', async () => {
      heard += 1;
      const answer = [greeting, settings][heard - 1] ?? answerTo(heard);
      if (heard === 1 && greeting === null) return;
      for (let at = 0; at < answer.length; at += pieces) {
        socket.write(answer.subarray(at, at + pieces));
        await new Promise(setImmediate);
      }
      if (ends && heard === 2) socket.end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Each answer has another row count, which tells the answers apart. */
const answerTo = (heard: number) => Buffer.concat([message('C', Buffer.from(`UPDATE ${heard}\0`)), READY]);

function open(t: Test, ...hosts: string[]) {
  const sql = connect({ kind: 'url', url: `postgres://me@${hosts.join(',')}/db?connect_timeout=1`, pool: 1 });
  t.teardown(() => sql.end({ timeout: 0 }));
  return () =>
    execute(sql.unsafe('update things').simple()).then(
      ({ count }) => count,
      (error: unknown) => (error instanceof StoreUnavailable ? error.outcome : error),
    );
}

t.test('a handshake that arrives byte by byte succeeds', async (t) => {
  const ask = open(t, await serve(t, { pieces: 1 }));
  t.same([await ask(), await ask()], [3, 4]);
});

t.test(
  'an asynchronous message right after the handshake does not change the answers to statements',
  async (t) => {
    const news = message('S', Buffer.from('c\0d\0'));
    const ask = open(t, await serve(t, { settings: Buffer.concat([HEALTHY, news]) }));
    t.same([await ask(), await ask()], [3, 4]);
  },
);

const refused: Record<string, Script> = {
  'answers twice': { settings: Buffer.concat([HEALTHY, HEALTHY]) },
  'says twice that it is ready': { settings: Buffer.concat([HEALTHY, READY]) },
  'returns no settings': { settings: READY },
  'returns fields that are longer than their message': {
    settings: Buffer.concat([message('D', Buffer.from([0, 9, 0, 0, 1, 0, 65])), READY]),
  },
  'returns a row without a count': { settings: Buffer.concat([message('D'), READY]) },
  'is a web server': { greeting: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') },
  'sends a message of no length': { greeting: Buffer.alloc(9) },
  'goes away in the middle': { settings: ERROR, ends: true },
};
for (const [what, script] of Object.entries(refused))
  t.test(`a server that ${what} is refused, and the next host is used`, async (t) => {
    const bad = await serve(t, script);
    t.equal(await open(t, bad)(), 'unknown');
    const ask = open(t, bad, await serve(t, {}));
    // An error that the server itself reports fails the first statement. The second statement uses the next
    // host.
    const first = await ask();
    t.equal(first, script.ends ? 'unknown' : 3);
    t.equal(await ask(), script.ends ? 3 : 4);
  });

t.test('after a server that accepts a connection and never answers, the next host is used', async (t) => {
  const ask = open(t, await serve(t, { greeting: null }), await serve(t, {}));
  t.same([await ask(), await ask()], [3, 4]);
});

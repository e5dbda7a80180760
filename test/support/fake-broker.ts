import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

/** A class and a method of AMQP 0-9-1, such as `10.60`. */
type Method = `${number}.${number}`;

const METHOD_FRAME = 1;
const FRAME_END = 0xce;
const EMPTY_TABLE = Buffer.alloc(4);

/** The answers up to the point at which a client declares its exchange. */
const HANDSHAKE: Readonly<Record<Method, () => Buffer>> = {
  '10.11': () => method(0, '10.30', Buffer.from([0, 0, 0, 2, 0, 0, 0, 10])), // tune: no limit of channels, 128 KiB, 10 s
  '10.40': () => method(0, '10.41', Buffer.alloc(1)), // the connection is open
  '20.10': () => method(1, '20.11', Buffer.alloc(4)), // the channel is open
};

const DECLARED: Readonly<Record<Method, () => Buffer>> = {
  '40.10': () => method(1, '40.11'), // exchange
  '40.40': () => method(1, '40.51'), // the binding between exchanges is removed
  '50.10': () => method(1, '50.11', Buffer.concat([shortText('users.created'), Buffer.alloc(8)])), // queue
  '50.20': () => method(1, '50.21'), // binding
  '85.10': () => method(1, '85.11'), // confirms
};

/**
 * A broker on loopback that speaks just enough AMQP for a client to connect. Without `declares` it never answers a
 * declaration. `send` writes a method of the connection to all clients.
 */
export async function fakeBroker(t: Pick<Test, 'teardown'>, { declares }: { readonly declares: boolean }) {
  const answers = declares ? { ...HANDSHAKE, ...DECLARED } : HANDSHAKE;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    converse(socket, answers);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `amqp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    send(name: Method, body: Buffer) {
      for (const socket of sockets) socket.write(method(0, name, body));
    },
  };
}

export function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

function converse(socket: Socket, answers: Readonly<Record<string, () => Buffer>>): void {
  let waiting = Buffer.alloc(0);
  let hasGreeted = false;
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    if (!hasGreeted && waiting.length >= 8) {
      hasGreeted = true;
      waiting = waiting.subarray(8);
      socket.write(method(0, '10.10', startBody()));
    }
    for (let size = frameSize(waiting); hasGreeted && size <= waiting.length; size = frameSize(waiting)) {
      const frame = waiting.subarray(0, size);
      waiting = waiting.subarray(size);
      if (frame[0] !== METHOD_FRAME) continue;
      const answer = answers[`${frame.readUInt16BE(7)}.${frame.readUInt16BE(9)}`];
      if (answer !== undefined) socket.write(answer());
    }
  });
}

/** The bytes of the first frame: type, channel, size, payload, end. Infinite while its head is incomplete. */
function frameSize(bytes: Buffer): number {
  return bytes.length < 7 ? Number.POSITIVE_INFINITY : bytes.readUInt32BE(3) + 8;
}

function startBody(): Buffer {
  const longText = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0, 9]), EMPTY_TABLE, longText('PLAIN'), longText('en_US')]);
}

function method(channel: number, name: Method, body: Buffer = Buffer.alloc(0)): Buffer {
  const [group = 0, number = 0] = name.split('.').map(Number);
  const head = Buffer.alloc(11);
  head.writeUInt8(METHOD_FRAME, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(4 + body.length, 3);
  head.writeUInt16BE(group, 7);
  head.writeUInt16BE(number, 9);
  return Buffer.concat([head, body, Buffer.from([FRAME_END])]);
}

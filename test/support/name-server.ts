import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

const TYPE_A = 1;
const TYPE_AAAA = 28;

/**
 * A name server on loopback. `answer` returns the IPv4 addresses of a name, separated by spaces; an empty text if the
 * name has none. `ipv6` is the answer for IPv6: no address, no answer at all, or the address with these 16 bytes.
 */
export async function nameServer(
  t: Pick<Test, 'teardown'>,
  answer: (name: string) => string,
  ipv6: 'none' | 'unanswered' | readonly number[] = 'none',
) {
  const questions: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const { name, end } = readName(query);
    const type = query.readUInt16BE(end);
    if (type === TYPE_A) questions.push(name);
    else if (ipv6 === 'unanswered') return;
    const addressesOf = () => {
      if (type === TYPE_A) return answer(name).split(' ').filter(Boolean).map(toBytes);
      return type === TYPE_AAAA && typeof ipv6 !== 'string' ? [ipv6] : [];
    };
    socket.send(replyTo(query, end, type, addressesOf()), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.teardown(() => socket.close());
  return { address: `127.0.0.1:${(socket.address() as AddressInfo).port}`, questions };
}

/** The name in the question, and where it ends (RFC 1035 section 4.1.2). */
function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}

function toBytes(ipv4: string): readonly number[] {
  return ipv4.split('.').map(Number);
}

function replyTo(
  query: Buffer,
  end: number,
  type: number,
  addresses: readonly (readonly number[])[],
): Buffer {
  const question = query.subarray(12, end + 4);
  const counts = [0, 1, 0, addresses.length, 0, 0, 0, 0];
  const header = Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x80, ...counts])]);
  // The fields are: a pointer to the name, the type, the class IN, a time to live of 0, the length of the address.
  const records = addresses.map((address) =>
    Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, address.length, ...address]),
  );
  return Buffer.concat([header, question, ...records]);
}

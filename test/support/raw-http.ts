import { connect, type Socket } from 'node:net';

/** The unparsed answers on a connection. */
export interface RawAnswer {
  /** `400 invalid_request`, or the status alone where the body is no problem document. */
  readonly outcome: string;
  /** The number of answers. It is 2 if the service read the bytes as two requests. */
  readonly answers: number;
  readonly text: string;
}

/** The text of a request, which may be invalid. Adds only the HTTP version and line ends. */
export function rawRequest(line: string, headers: readonly string[], body = ''): string {
  return `${[`${line} HTTP/1.1`, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

/** A connection to the service, for bytes that no client library would send. */
export function rawConnection(url: string, options: { allowHalfOpen?: boolean } = {}): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...options });
  // Only the answer counts. The service may close the connection before all bytes were sent.
  socket.on('error', () => {});
  return socket;
}

/** Sends bytes (text: Latin-1) and reads until the service closes the connection. */
export async function sendRaw(url: string, bytes: string | Uint8Array): Promise<RawAnswer> {
  const socket = rawConnection(url);
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  return answerOn(socket).finally(() => socket.destroy());
}

/** The answers on a connection until the service ends it. */
export function answerOn(socket: Socket): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const timeout = setTimeout(() => {
      socket.destroy(new Error('gave up'));
      reject(new Error(`The connection is still open after: ${Buffer.concat(chunks).toString()}`));
    }, 20_000);
    const end = () => {
      clearTimeout(timeout);
      resolve(parse(Buffer.concat(chunks).toString('latin1')));
    };
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('end', end);
    socket.once('close', end);
  });
}

function parse(text: string): RawAnswer {
  const [, status = 'closed without an answer'] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? [];
  const [, code] = /"code":"(\w+)"/.exec(text) ?? [];
  return {
    outcome: code === undefined ? status : `${status} ${code}`,
    answers: text.split(/HTTP\/1\.1 \d{3}/).length - 1,
    text,
  };
}

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Answer, RequestSpec } from './scenario.ts';

/** A keep-alive connection that sends one request at a time. */
export interface Connection {
  ask(ask: RequestSpec): Promise<Answer>;
  close(): void;
}

const END_OF_HEAD = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/**
 * Implements only the parts of HTTP/1.1 that the contestants' answers need. The client shares two cores with
 * the service that it measures. A complete client would use as much CPU time as a fast service.
 */
export async function openConnection(url: string): Promise<Connection> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  let received = '';
  let pending: PendingAnswer | null = null;

  // Every byte of head and body is one character, so that lengths in bytes are lengths of the string.
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    received += text;
    const answer = readWholeAnswer(received);
    if (answer === null) return;
    received = '';
    pending?.resolve(answer);
  });
  const lost = (error?: Error) => pending?.reject(error ?? new Error(`${host} hung up`));
  socket.on('error', lost).on('close', () => lost());

  return {
    ask(ask) {
      return new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error(`${host} hung up`));
        pending = { resolve, reject };
        socket.write(formatRequest(ask, host));
      });
    },
    close() {
      pending = null;
      socket.destroy();
    },
  };
}

interface PendingAnswer {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

function formatRequest({ method, path, headers = {}, body }: RequestSpec, host: string): string {
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
  if (method === 'POST') head += `content-length: ${Buffer.byteLength(body ?? '')}\r\n`;
  return `${head}\r\n${body ?? ''}`;
}

/** Returns null if the answer has not arrived completely. */
function readWholeAnswer(text: string): Answer | null {
  const end = text.indexOf(END_OF_HEAD);
  if (end < 0) return null;
  const head = text.slice(0, end).toLowerCase();
  const rest = text.slice(end + END_OF_HEAD.length);
  const body = head.includes('\r\ntransfer-encoding: chunked') ? readChunks(rest) : readBody(head, rest);
  return body === null ? null : { status: Number(text.slice(9, 12)), body };
}

function readBody(head: string, rest: string): string | null {
  const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
  return rest.length < length ? null : rest;
}

function readChunks(rest: string): string | null {
  if (!rest.endsWith(LAST_CHUNK)) return null;
  let body = '';
  for (let at = 0; ; ) {
    const end = rest.indexOf('\r\n', at);
    const size = Number.parseInt(rest.slice(at, end), 16);
    if (size === 0) return body;
    body += rest.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { NO_SUCH_ROUTE } from './methods.ts';
import type { OpenResponses } from './open-responses.ts';
import { classify, PROBLEM_TYPE, problem } from './problems.ts';

/** Headers of an answer that bypasses the framework. `origin`: the request's `Origin`, undefined if it is unknown. */
type HeadersWithoutRequest = (origin: string | undefined) => Readonly<Record<string, string>>;

/**
 * The refusals that are written directly to the socket. A refusal comes after the answers to the requests before it
 * (RFC 9112 section 9.3.2).
 */
export function createSocketRefusals(headersFor: HeadersWithoutRequest, responses: OpenResponses) {
  const refused = new WeakSet<Duplex>();

  return {
    /** Answers bytes that could not be parsed as a request. */
    answerClientError(error: Error & { code?: string; rawPacket?: unknown }, socket: Socket): void {
      const refusal = classify({ statusCode: 400, ...error, code: error.code });
      refuseInOrder(socket, refusal, headersFor(originIn(error.rawPacket)));
    },

    /** Refuses CONNECT. Without this handler, Node closes the connection without an answer. */
    refuseConnect({ headers }: IncomingMessage, socket: Duplex): void {
      refuseInOrder(socket, NO_SUCH_ROUTE, headersFor(headers.origin));
    },

    /** Refuses every `Expect` except `100-continue` (RFC 9110 section 10.1.1), which Node handles itself. */
    refuseExpectation({ headers, socket }: IncomingMessage): void {
      refuseInOrder(
        socket,
        ['invalid_request', 'The service does not support this expectation.'],
        headersFor(headers.origin),
      );
    },
  };

  /** One connection gets one refusal, which ends it. */
  function refuseInOrder(socket: Duplex, ...refusal: SocketRefusal): void {
    if (refused.has(socket)) return;
    refused.add(socket);
    // Answers are sent in the order of their requests, so the refusal waits for the last answer. A request that has not
    // arrived completely is the refused one.
    const last = responses.of(socket).findLast(({ req }) => req.complete);
    const refuse = () => refuseOnSocket(socket, ...refusal);
    if (last === undefined) refuse();
    else {
      socket.pause(); // the bytes behind the refused ones are not read
      last.once('close', refuse);
    }
  }
}

type SocketRefusal = readonly [
  refusal: ReturnType<typeof classify>,
  headers: Readonly<Record<string, string>>,
];

/** The `Origin` in bytes that Node did not parse completely. */
function originIn(bytes: unknown): string | undefined {
  const text = Buffer.isBuffer(bytes) ? bytes.toString('latin1') : '';
  return /\r\norigin:[\t ]*([\x21-\x7e]+)[\t ]*\r\n/i.exec(text)?.[1];
}

/** How long, in milliseconds, a client may read the refusal. */
const LINGER = 500;

function refuseOnSocket(socket: Duplex, ...[[code, detail], headers]: SocketRefusal): void {
  if (!socket.writable) return;
  const document = problem(code, detail, '');
  const body = JSON.stringify(document);
  const lines = Object.entries({
    ...headers,
    date: new Date().toUTCString(),
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${document.status} ${document.title}\r\n${lines.join('')}\r\n${body}`);
  // `end` closes only this side. A client that does not close its side would hold the connection indefinitely.
  setTimeout(() => socket.destroy(), LINGER).unref();
}

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import { classify, PROBLEM_TYPE, PROBLEMS, type ProblemCode, problem } from './problems.ts';
import { retryFields } from './retry-fields.ts';
import { Shed } from './shedding.ts';

/** Every way out of this server that is not an answer of a route ends in a problem document. */
export function problemExits(app: FastifyInstance): void {
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    sendProblem(new Refusal('not_found', 'There is no such route.'), request, reply);
  });
}

/** Also for what the framework refuses before a route is known (its option `frameworkErrors`). */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { code, detail } = beginRefusal(error, request, reply);
  const document = problem(code, detail, request.id);
  // A string would be given a charset, which JSON has not.
  reply.type(PROBLEM_TYPE).send(Buffer.from(JSON.stringify(document)));
}

/** Everything of a refusal but its body: what it is, told to the log and to the headers. */
export function beginRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const [code, detail] = classify(error);
  const { status, title } = PROBLEMS[code];
  if (status >= 500 && !(error instanceof Shed)) request.log.error({ err: error, code }, 'request failed');
  if (status === 401) reply.header('www-authenticate', challengeTo(request, code));
  reply
    .code(status)
    .headers({ 'cache-control': 'no-store', 'x-request-id': request.id, ...retryFields(error, status) });
  return { code, detail, status, title };
}

/** What somebody needs who comes with nothing. */
export const CHALLENGE = 'Bearer realm="kinship"';

/** Every 401 comes with a challenge (RFC 9110 section 15.5.2), which says whether a token was there (RFC 6750 section 3). */
function challengeTo({ headers }: FastifyRequest, code: ProblemCode): string {
  const presented = code === 'unauthenticated' && /^Bearer /i.test(headers.authorization ?? '');
  return presented ? `${CHALLENGE}, error="invalid_token"` : CHALLENGE;
}

/** What is wrong with bytes that never became a request is said on the bare socket. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  refuseOnSocket(socket, classify({ statusCode: 400, ...error, code: error.code }));
}

/** CONNECT asks for a tunnel; without this Node closes the connection and says nothing. */
export function refuseTunnel(_request: IncomingMessage, socket: Duplex): void {
  refuseOnSocket(socket, ['not_found', 'There is no such route.']);
}

/** `Expect` knows one value (RFC 9110 section 10.1.1), which Node meets by itself. */
export function refuseExpectation({ socket }: IncomingMessage): void {
  refuseOnSocket(socket, ['invalid_request', 'This expectation cannot be met.']);
}

/** How long, in milliseconds, a client has to read why it was turned away. */
const LINGER = 500;

function refuseOnSocket(socket: Duplex, [code, detail]: ReturnType<typeof classify>): void {
  if (!socket.writable) return;
  const document = problem(code, detail, '');
  const body = JSON.stringify(document);
  socket.end(
    `HTTP/1.1 ${document.status} ${document.title}\r\n` +
      `content-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  // Our end alone is closed: a client that keeps its own open would hold the connection for ever.
  setTimeout(() => socket.destroy(), LINGER).unref();
}

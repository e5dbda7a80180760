import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Level } from '../../../domain/authentication.ts';
import { DPOP_ALGORITHMS } from '../../../domain/dpop.ts';
import { Refusal } from '../../../domain/refusal.ts';
import { classify, PROBLEM_TYPE, PROBLEMS, type ProblemCode, problem, problemMembers } from './problems.ts';
import { retryFields } from './retry-fields.ts';
import { logSecurityEvent, ServiceKeyRefusal } from './security-line.ts';
import { OverloadRefusal } from './shedding.ts';

/** Answers every error and every unknown route with a problem document. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    sendProblem(new Refusal('not_found', 'There is no such route.'), request, reply);
  });
}

/** Also handles errors before a route is known (Fastify's option `frameworkErrors`). */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { code, detail } = prepareRefusal(error, request, reply);
  const document = { ...problem(code, detail, request.id), ...problemMembers(error) };
  // For a string, Fastify adds a charset, which JSON does not have.
  reply.type(PROBLEM_TYPE).send(Buffer.from(JSON.stringify(document)));
}

/** Logs a refusal and sets its status and headers. The caller sends the body. */
export function prepareRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const [code, detail] = classify(error);
  const { status, title } = PROBLEMS[code];
  if (status >= 500 && !(error instanceof OverloadRefusal))
    request.log.error({ err: error, code }, 'request failed');
  if (error instanceof ServiceKeyRefusal) logSecurityEvent(request, 'service_key_refused', { reason: code });
  if (status === 401) reply.header('www-authenticate', challengeTo(request, error, code));
  reply
    .code(status)
    .headers({ 'cache-control': 'no-store', 'x-request-id': request.id, ...retryFields(error, status) });
  return { code, detail, status, title };
}

/** The challenge for a request without a token. */
export const CHALLENGE = 'Bearer realm="kinship"';

/** The challenge for a bound token (RFC 9449 section 7.1). */
const DPOP_CHALLENGE = `DPoP realm="kinship", algs="${DPOP_ALGORITHMS.join(' ')}"`;

/**
 * Every 401 carries a challenge (RFC 9110 section 15.5.2). It says whether a token was presented (RFC 6750 section 3).
 * For a bound token it says what is wrong with the proof (RFC 9449 section 7.1). A step-up challenge says which
 * authentication of the user is needed (RFC 9470 section 3).
 */
function challengeTo({ headers, cookieTokens }: FastifyRequest, error: unknown, code: ProblemCode): string {
  if (error instanceof Refusal && error.maxAge !== undefined) return stepUpChallenge(error.maxAge, error.acr);
  if (code === 'invalid_dpop_proof' || code === 'use_dpop_nonce') return `${DPOP_CHALLENGE}, error="${code}"`;
  if (/^DPoP /i.test(headers.authorization ?? '')) return `${DPOP_CHALLENGE}, error="invalid_token"`;
  const hasToken = /^Bearer /i.test(headers.authorization ?? '') || cookieTokens?.access !== undefined;
  return hasToken && code === 'unauthenticated' ? `${CHALLENGE}, error="invalid_token"` : CHALLENGE;
}

function stepUpChallenge(maxAge: number, acr: Level | undefined): string {
  const level = acr === undefined ? '' : `, acr_values="${acr}"`;
  return `Bearer error="insufficient_user_authentication", max_age=${Math.floor(maxAge / 1000)}${level}`;
}

/** Headers of an answer that bypasses the framework. `origin`: the request's `Origin`, undefined if it is unknown. */
type HeadersWithoutRequest = (origin: string | undefined) => Readonly<Record<string, string>>;

/** The refusals that are written directly to the socket. */
export function createSocketRefusals(headersFor: HeadersWithoutRequest) {
  return {
    /** Answers bytes that could not be parsed as a request. */
    answerClientError(error: Error & { code?: string; rawPacket?: unknown }, socket: Socket): void {
      const refusal = classify({ statusCode: 400, ...error, code: error.code });
      refuseOnSocket(socket, refusal, headersFor(originIn(error.rawPacket)));
    },

    /** Refuses CONNECT. Without this handler, Node closes the connection without an answer. */
    refuseConnect({ headers }: IncomingMessage, socket: Duplex): void {
      refuseOnSocket(socket, ['not_found', 'There is no such route.'], headersFor(headers.origin));
    },

    /** Refuses every `Expect` except `100-continue` (RFC 9110 section 10.1.1), which Node handles itself. */
    refuseExpectation({ headers, socket }: IncomingMessage): void {
      refuseOnSocket(
        socket,
        ['invalid_request', 'The service does not support this expectation.'],
        headersFor(headers.origin),
      );
    },
  };
}

/** The `Origin` in bytes that Node did not parse completely. */
function originIn(bytes: unknown): string | undefined {
  const text = Buffer.isBuffer(bytes) ? bytes.toString('latin1') : '';
  return /\r\norigin:[\t ]*([\x21-\x7e]+)[\t ]*\r\n/i.exec(text)?.[1];
}

/** How long, in milliseconds, a client may read the refusal. */
const LINGER = 500;

function refuseOnSocket(
  socket: Duplex,
  [code, detail]: ReturnType<typeof classify>,
  headers: Readonly<Record<string, string>>,
): void {
  if (!socket.writable) return;
  const document = problem(code, detail, '');
  const body = JSON.stringify(document);
  const lines = Object.entries({
    ...headers,
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${document.status} ${document.title}\r\n${lines.join('')}\r\n${body}`);
  // `end` closes only this side. A client that does not close its side would hold the connection indefinitely.
  setTimeout(() => socket.destroy(), LINGER).unref();
}

import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import { classify, PROBLEM_TYPE, problem, RETRY_AFTER } from './problems.ts';

/** Every way out of this server that is not an answer of a route ends in a problem document. */
export function problemExits(app: FastifyInstance): void {
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    sendProblem(new Refusal('not_found', 'There is no such route.'), request, reply);
  });
}

/** Also for what the framework refuses before a route is known (its option `frameworkErrors`). */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const [code, detail] = classify(error);
  const document = problem(code, detail, request.id);
  if (document.status >= 500) request.log.error({ err: error, code }, 'request failed');
  if (document.status === 503) reply.header('retry-after', RETRY_AFTER);
  reply
    .code(document.status)
    .header('cache-control', 'no-store')
    .type(PROBLEM_TYPE)
    .send(Buffer.from(JSON.stringify(document))); // a string would be given a charset, which JSON has not
}

/** What is wrong with bytes that never became a request is said on the bare socket. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable) return;
  const [code, detail] = classify({ statusCode: 400, ...error, code: error.code });
  const document = problem(code, detail, '');
  const body = JSON.stringify(document);
  socket.end(
    `HTTP/1.1 ${document.status} ${document.title}\r\n` +
      `content-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

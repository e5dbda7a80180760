import type { FastifyReply } from 'fastify';

/** How a request ended. */
interface RequestEnd {
  /** {@link CONNECTION_CLOSED} if no part of an answer was sent. */
  readonly status: number;
  readonly milliseconds: number;
  /** Whether the answer was sent completely. */
  readonly isAnswered: boolean;
}

/** No standard status: logs of proxies use it for a client that closed its connection before the answer. */
const CONNECTION_CLOSED = 499;

/**
 * Calls the function once, when the request ends in any way. Fastify calls its `onResponse` hooks only for complete
 * answers.
 */
export function onRequestEnd(reply: FastifyReply, report: (end: RequestEnd) => void): void {
  reply.raw.once('close', () => {
    const { statusCode, headersSent, writableFinished } = reply.raw;
    report({
      status: headersSent ? statusCode : CONNECTION_CLOSED,
      milliseconds: reply.elapsedTime,
      isAnswered: writableFinished,
    });
  });
}

import type { FastifyInstance, FastifyReply } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import { sendProblem } from './problem-answers.ts';

/**
 * Answers every request within the deadline, with `unavailable` if necessary. The work of the request may continue for
 * a while. The framework's own `handlerTimeout` does not cover requests with a body: its timer stops once the
 * body is read.
 */
export function answerInTime(app: FastifyInstance, milliseconds: number): void {
  app.addHook('onRequest', async (request, reply) => {
    const timer = setTimeout(() => {
      // An answer whose headers are sent is under way: it may be a stream.
      if (reply.sent || reply.raw.headersSent) return;
      sendProblem(new Refusal('unavailable', 'The answer took too long. Try again later.'), request, reply);
      dropLaterAnswers(reply);
    }, milliseconds);
    reply.raw.once('close', () => clearTimeout(timer));
  });
}

/** Fastify logs a second answer with the URL of the request, which may carry tokens. */
function dropLaterAnswers(reply: FastifyReply): void {
  reply.send = () => reply;
}

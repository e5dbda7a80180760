import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import { sendProblem } from './exits.ts';

/**
 * Every request is answered in time, with `unavailable` if need be; what was begun for it may go on for a while.
 * The framework's own `handlerTimeout` does not hold for requests with a body: it ends when the body was read.
 */
export function answerInTime(app: FastifyInstance, milliseconds: number): void {
  app.addHook('onRequest', async (request, reply) => {
    const timer = setTimeout(() => {
      if (!reply.sent) sendProblem(new Refusal('unavailable', 'The answer took too long.'), request, reply);
    }, milliseconds);
    reply.raw.once('close', () => clearTimeout(timer));
  });
}

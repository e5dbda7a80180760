import type { FastifyReply } from 'fastify';

/** After a form: a reload of the next page does not send the form again. */
export function redirectToAccount(reply: FastifyReply): FastifyReply {
  return reply.redirect('/account', 303);
}

export function redirectToFactors(reply: FastifyReply): FastifyReply {
  return reply.redirect('/account/factors', 303);
}

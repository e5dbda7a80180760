import type { FastifyReply, FastifyRequest } from 'fastify';
import { BEARER_CHALLENGE, prepareRefusal } from '../../server/problem-answers.ts';
import { PROBLEMS, type ProblemCode } from '../../server/problems.ts';
import { createRefusalResponses } from '../../server/schemas.ts';

const NOT_VALID = 'Not valid token';

/** Texts that the contract prescribes. All other refusals below status 500 get {@link NOT_VALID}. */
const WORDS: { readonly [code in ProblemCode]?: string } = {
  invalid_request: 'Wrong data structure',
  malformed_token: 'Wrong data structure',
  pair_mismatch: 'Not valid token pair',
  token_reused: 'Token used before',
  address_changed: "You're location is blocked",
};

/** The refusals among the responses of a route. */
export const refusalResponses = createRefusalResponses('text/plain', 'the reason of the refusal')(
  400,
  401,
  403,
  503,
);

export function sendPlain(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { code } = prepareRefusal(error, request, reply);
  const { status, title } = PROBLEMS[code];
  // A server error says nothing about the tokens.
  sendText(reply, status, status >= 500 ? title : (WORDS[code] ?? NOT_VALID));
}

/** Sends the text that the contract prescribes for a missing token. */
export function sendMissing(reply: FastifyReply, words: string): FastifyReply {
  return sendText(reply.header('www-authenticate', BEARER_CHALLENGE), 401, words);
}

function sendText(reply: FastifyReply, status: number, words: string): FastifyReply {
  return reply.code(status).type('text/plain; charset=utf-8').send(words);
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Level } from '../../../domain/authentication.ts';
import { DPOP_ALGORITHMS } from '../../../domain/dpop.ts';
import { Refusal } from '../../../domain/refusal.ts';
import { logSecurityEvent, ServiceKeyRefusal } from './log-security-event.ts';
import { NO_SUCH_ROUTE } from './methods.ts';
import { classify, PROBLEM_TYPE, PROBLEMS, type ProblemCode, problem, problemMembers } from './problems.ts';
import { retryFields } from './retry-fields.ts';
import { OverloadRefusal } from './shedding.ts';

/** Answers every error and every unknown route with a problem document. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    sendProblem(new Refusal(...NO_SUCH_ROUTE), request, reply);
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
export const BEARER_CHALLENGE = 'Bearer realm="kinship"';

/** The challenge for a bound token (RFC 9449 section 7.1). */
const DPOP_CHALLENGE = `DPoP realm="kinship", algs="${DPOP_ALGORITHMS.join(' ')}"`;

/**
 * Every 401 carries a challenge (RFC 9110 section 15.5.2). It says whether a token was presented (RFC 6750 section 3).
 * For a bound token it says what is wrong with the proof (RFC 9449 section 7.1). A step-up challenge says which
 * authentication of the user is needed (RFC 9470 section 3).
 */
function challengeTo({ headers, cookieTokens }: FastifyRequest, error: unknown, code: ProblemCode): string {
  const isDpop = /^DPoP /i.test(headers.authorization ?? '');
  if (error instanceof Refusal && error.maxAge !== undefined)
    return `${isDpop ? DPOP_CHALLENGE : BEARER_CHALLENGE}, ${stepUpError(error.maxAge, error.acr)}`;
  if (code === 'invalid_dpop_proof' || code === 'use_dpop_nonce') return `${DPOP_CHALLENGE}, error="${code}"`;
  if (isDpop) return `${DPOP_CHALLENGE}, error="invalid_token"`;
  const hasToken = /^Bearer /i.test(headers.authorization ?? '') || cookieTokens?.access !== undefined;
  return hasToken && code === 'unauthenticated'
    ? `${BEARER_CHALLENGE}, error="invalid_token"`
    : BEARER_CHALLENGE;
}

function stepUpError(maxAge: number, acr: Level | undefined): string {
  const level = acr === undefined ? '' : `, acr_values="${acr}"`;
  return `error="insufficient_user_authentication", max_age=${Math.floor(maxAge / 1000)}${level}`;
}

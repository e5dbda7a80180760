import { Type } from '@sinclair/typebox';
import type { App } from '../server/app.ts';
import { longText, oneOf } from '../server/field-schemas.ts';
import { prepareRefusal } from '../server/problem-answers.ts';
import { PROBLEM_TYPE, Problem, type ProblemCode } from '../server/problems.ts';

/**
 * The codes of RFC 6749 section 5.2 and of RFC 9449 sections 5 and 8. The last two codes come from RFC 6749 section
 * 4.1.2.1: section 5.2 has no code for a failure of the server.
 */
const CODES = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_dpop_proof',
  'use_dpop_nonce',
  'server_error',
  'temporarily_unavailable',
] as const;

type OAuthCode = (typeof CODES)[number];

export const OAuthError = Type.Object(
  { error: oneOf(CODES), error_description: longText() },
  {
    $id: 'OAuthError',
    additionalProperties: false,
    examples: [{ error: 'invalid_grant', error_description: 'The refresh token has expired.' }],
  },
);

/** A refusal whose code only OAuth defines. Status 400. */
export class OAuthRefusal extends Error {
  override readonly name = 'OAuthRefusal';

  readonly error: OAuthCode;

  constructor(error: OAuthCode, description: string) {
    super(description);
    this.error = error;
  }
}

/** Makes the refusals of a scope have the form of RFC 6749 section 5.2. */
export function sendOAuthErrors(scope: App): void {
  scope.setErrorHandler((error, request, reply) => {
    if (error instanceof OAuthRefusal) {
      return reply.code(400).send(document(error.error, error.message));
    }
    const { code, detail, status } = prepareRefusal(error, request, reply);
    const mapped = mapToOAuth(code, status);
    if (mapped.status === 401) reply.header('www-authenticate', 'Basic realm="kinship"');
    else reply.removeHeader('www-authenticate'); // a 401 of the canonical door may be a 400 here
    return reply.code(mapped.status).send(document(mapped.error, detail));
  });
}

function document(error: OAuthCode, description: string) {
  // RFC 6749 section 5.2 allows printable ASCII only, without the quotation mark and the backslash.
  return { error, error_description: description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'") };
}

/** The refusals of a token that have another status than 401. */
const UNUSABLE: readonly ProblemCode[] = ['malformed_token', 'account_disabled'];

/**
 * Maps a refusal to an OAuth error. Clients discard a token after `invalid_grant`. So every unusable token gets that
 * code. A token that this request may not use gets it, too, although the right client can still use it.
 */
function mapToOAuth(
  code: ProblemCode,
  status: number,
): { readonly error: OAuthCode; readonly status: number } {
  if (code === 'unauthenticated') return { error: 'invalid_client', status };
  if (code === 'forbidden') return { error: 'unauthorized_client', status };
  if (code === 'invalid_dpop_proof' || code === 'use_dpop_nonce') return { error: code, status: 400 };
  if (UNUSABLE.includes(code) || status === 401) return { error: 'invalid_grant', status: 400 };
  if (code === 'unavailable') return { error: 'temporarily_unavailable', status };
  if (status >= 500) return { error: 'server_error', status };
  return { error: 'invalid_request', status: status === 422 ? 400 : status };
}

/** The error responses of a route. Refusals have the form of OAuth. Errors of the server may be problem documents. */
export function errorResponses<Status extends number>(...statuses: Status[]) {
  const own = {
    description: 'the refusal; `error` is its code',
    content: { 'application/json': oauthError },
  };
  const any = { ...own, content: { ...own.content, [PROBLEM_TYPE]: { schema: Type.Ref(Problem) } } };
  const named = Object.fromEntries(statuses.map((status) => [status, own])) as Record<Status, typeof own>;
  return { ...named, 503: any, '4xx': any, '5xx': any };
}

const oauthError = { schema: Type.Ref(OAuthError) };

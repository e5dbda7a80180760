import { STATUS_CODES } from 'node:http';
import { type Static, Type } from '@sinclair/typebox';
import {
  Refusal,
  type RefusalCode,
  SecondFactorRequired,
  type SecondStepChallenge,
} from '../../../domain/refusal.ts';
import { PROOF_KINDS } from '../../../domain/second-factor.ts';
import { examples } from './examples.ts';
import { count, longText, oneOf } from './field-schemas.ts';
import { MethodNotAllowed } from './methods.ts';

/** The next step for a client. */
type Recovery = 'retry' | 'login' | 'step_up' | 'none';

/** The codes for errors of the framework, in addition to the codes of the domain. */
type FrameworkCode =
  | 'method_not_allowed'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'request_timeout'
  | 'headers_too_large'
  | 'internal_error';

export type ProblemCode = RefusalCode | FrameworkCode;

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly recovery: Recovery;
}

/** The status, the title and the next step of each code. A missing code does not compile. */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = {
  malformed_token: { status: 400, title: 'Malformed token', recovery: 'none' },
  invalid_token: { status: 401, title: 'Invalid token', recovery: 'login' },
  invalid_dpop_proof: { status: 401, title: 'Invalid DPoP proof', recovery: 'none' },
  use_dpop_nonce: { status: 401, title: 'DPoP nonce needed', recovery: 'retry' },
  pair_mismatch: { status: 401, title: 'Not a pair', recovery: 'login' },
  token_expired: { status: 401, title: 'Refresh token expired', recovery: 'login' },
  session_not_found: { status: 401, title: 'Session not found', recovery: 'login' },
  token_reused: { status: 401, title: 'Refresh token used before', recovery: 'login' },
  session_revoked: { status: 401, title: 'Session ended', recovery: 'login' },
  session_expired: { status: 401, title: 'Session expired', recovery: 'login' },
  user_agent_changed: { status: 401, title: 'User agent changed', recovery: 'login' },
  address_changed: { status: 401, title: 'Address changed', recovery: 'login' },
  proof_refused: { status: 401, title: 'Proof refused', recovery: 'none' },
  idempotency_key_reused: { status: 422, title: 'Idempotency-Key used before', recovery: 'none' },
  invalid_request: { status: 400, title: 'Invalid request', recovery: 'none' },
  step_up_required: { status: 401, title: 'Authentication too old', recovery: 'step_up' },
  unauthenticated: { status: 401, title: 'Not authenticated', recovery: 'login' },
  forbidden: { status: 403, title: 'Forbidden', recovery: 'none' },
  invalid_link: { status: 403, title: 'This link is no longer valid', recovery: 'none' },
  not_found: { status: 404, title: 'Not found', recovery: 'none' },
  invalid_credentials: { status: 401, title: 'Wrong credentials', recovery: 'login' },
  email_unverified: { status: 403, title: 'Address not confirmed', recovery: 'none' },
  account_disabled: { status: 403, title: 'Account disabled', recovery: 'login' },
  method_not_allowed: { status: 405, title: 'Method not allowed', recovery: 'none' },
  conflict: { status: 409, title: 'Conflict', recovery: 'none' },
  second_factor_required: { status: 401, title: 'Second factor required', recovery: 'none' },
  too_many_requests: { status: 429, title: 'Too many requests', recovery: 'retry' },
  unavailable: { status: 503, title: 'Unavailable', recovery: 'retry' },
  payload_too_large: { status: 413, title: 'Body too large', recovery: 'none' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type', recovery: 'none' },
  request_timeout: { status: 408, title: 'Request timed out', recovery: 'retry' },
  headers_too_large: { status: 431, title: 'Headers too large', recovery: 'none' },
  internal_error: { status: 500, title: 'Internal error', recovery: 'retry' },
};

/** What the answer says for a code of the framework. */
const DETAILS = {
  method_not_allowed: 'This path does not support GET. It supports POST.',
  payload_too_large: 'The body is too large.',
  unsupported_media_type:
    'This route does not accept this content type. The API description names the accepted types: mostly application/json.',
  request_timeout: 'The request took too long to arrive.',
  headers_too_large: 'The headers are too large.',
  internal_error: 'The service failed. Try again later.',
} satisfies Readonly<Record<FrameworkCode, string>>;

export const PROBLEM_TYPE = 'application/problem+json';

/** Problem details for HTTP APIs (RFC 9457). */
export const Problem = Type.Object(
  {
    type: longText({ description: 'the type of the problem; its last part is the `code`' }),
    title: longText(),
    status: count({ minimum: 400, maximum: 599 }),
    detail: longText(),
    instance: longText({ description: 'the id of the request, as in the header `x-request-id`' }),
    code: oneOf(Object.keys(PROBLEMS) as ProblemCode[]),
    recovery: oneOf(['retry', 'login', 'step_up', 'none'], { description: 'what a client should do next' }),
    challenge: Type.Optional(
      longText({ description: 'only with `second_factor_required`: what the second step sends back' }),
    ),
    publicKey: Type.Optional(
      Type.Object(
        {},
        {
          description:
            'only with `second_factor_required`: PublicKeyCredentialRequestOptionsJSON, for a passkey',
        },
      ),
    ),
    kinds: Type.Optional(
      Type.Array(oneOf(PROOF_KINDS), {
        maxItems: PROOF_KINDS.length,
        description: 'only with `second_factor_required`: what the account can answer with',
      }),
    ),
  },
  {
    $id: 'Problem',
    additionalProperties: false,
    examples: [exampleOf('token_reused')],
  },
);

function exampleOf(code: ProblemCode): object {
  const detail = isFrameworkCode(code) ? DETAILS[code] : new Refusal(code).message;
  return problem(code, detail, examples.request);
}

function isFrameworkCode(code: ProblemCode): code is FrameworkCode {
  return code in DETAILS;
}

/** An example of each code that has this status. For `4XX` and `5XX`: the codes of the framework. */
export function examplesOf(status: string): Readonly<Record<string, { readonly value: object }>> {
  const codes = status.endsWith('XX')
    ? (Object.keys(DETAILS) as FrameworkCode[]).filter((code) => `${PROBLEMS[code].status}`[0] === status[0])
    : codesOf(Number(status));
  return Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }]));
}

/** The codes that have this status. */
export function codesOf(status: number): ProblemCode[] {
  return (Object.keys(PROBLEMS) as ProblemCode[]).filter((code) => PROBLEMS[code].status === status);
}

/** The members of the problem document of this error, in addition to those of every problem document. */
export function problemMembers(error: unknown): Partial<SecondStepChallenge> {
  return error instanceof SecondFactorRequired ? error.challenge : {};
}

/** The problem document of a code. */
export function problem(code: ProblemCode, detail: string, requestId: string): Static<typeof Problem> {
  const { status, title, recovery } = PROBLEMS[code];
  return {
    type: `urn:problem-type:kinship:${code}`,
    title,
    status,
    detail,
    instance: requestId,
    code,
    recovery,
  };
}

const FRAMEWORK: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', DETAILS.payload_too_large],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', DETAILS.unsupported_media_type],
  FST_PARTS_LIMIT: ['payload_too_large', 'The form has too many parts.'],
  FST_FIELDS_LIMIT: ['payload_too_large', 'The form has too many parts.'],
  FST_FILES_LIMIT: ['invalid_request', 'This route does not accept files.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The path cannot be decoded.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', DETAILS.request_timeout],
  HPE_HEADER_OVERFLOW: ['headers_too_large', DETAILS.headers_too_large],
};

/** The problem code of an error, and a detail sentence without internal facts. */
export function classify(error: unknown): readonly [ProblemCode, string] {
  if (error instanceof Refusal) return [error.code, error.message];
  if (error instanceof MethodNotAllowed) return ['method_not_allowed', error.message];
  const { code = '', statusCode = 500, validation, message = '' } = error as Partial<FrameworkError>;
  const known = FRAMEWORK[code];
  if (known !== undefined) return known;
  if (validation !== undefined) return ['invalid_request', `${message}.`];
  if (statusCode >= 400 && statusCode < 500) return ['invalid_request', `${STATUS_CODES[statusCode]}.`];
  return ['internal_error', DETAILS.internal_error];
}

interface FrameworkError extends Error {
  readonly code: string;
  readonly statusCode: number;
  readonly validation: unknown;
}

/** Why a request is refused. */
export type RefusalCode =
  | 'token_missing'
  | 'token_invalid'
  | 'token_expired'
  | 'session_ended'
  | 'insufficient_scope'
  | 'step_up_required'
  | 'unavailable';

interface Details {
  /** Parameters of the challenge (RFC 6750 section 3, RFC 9470 section 3). */
  readonly challenge?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

const STATUS: Readonly<Record<RefusalCode, 401 | 403 | 503>> = {
  token_missing: 401,
  token_invalid: 401,
  token_expired: 401,
  session_ended: 401,
  insufficient_scope: 403,
  step_up_required: 401,
  unavailable: 503,
};

const TITLE = { 401: 'Not authenticated', 403: 'Forbidden', 503: 'Unavailable' } as const;

/** A refusal of a request. The message never contains a token. */
export class VerifyError extends Error {
  override readonly name = 'VerifyError';

  readonly code: RefusalCode;
  readonly status: 401 | 403 | 503;
  /** The value of `WWW-Authenticate`; null for `unavailable`, which says nothing about the token. */
  readonly challenge: string | null;

  constructor(code: RefusalCode, message: string, { challenge = {}, cause }: Details = {}) {
    super(message, { cause });
    this.code = code;
    this.status = STATUS[code];
    const parameters = Object.entries(challenge).map(([name, value]) => `, ${name}="${value}"`);
    this.challenge = this.status === 503 ? null : `Bearer realm="kinship"${parameters.join('')}`;
  }
}

/** The token is not accepted. The client should refresh, and log in if that fails. */
export function invalidToken(
  code: 'token_invalid' | 'token_expired' | 'session_ended',
  message: string,
  cause?: unknown,
): VerifyError {
  return new VerifyError(code, message, { challenge: { error: 'invalid_token' }, cause });
}

/** Nothing is known about the token. The client should try again. */
export function unavailable(message: string, cause?: unknown): VerifyError {
  return new VerifyError('unavailable', message, { cause });
}

/** An answer of HTTP. */
export interface Answer {
  readonly status: 401 | 403 | 503;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The HTTP answer to a refusal: a problem document (RFC 9457). */
export function toAnswer({ code, status, message, challenge }: VerifyError): Answer {
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(challenge === null ? { 'retry-after': '1' } : { 'www-authenticate': challenge }),
    },
    body: JSON.stringify({
      type: `urn:problem-type:kinship:${code}`,
      title: TITLE[status],
      status,
      detail: message,
      code,
    }),
  };
}

import { describeCause } from './log-text.js';
import { PROOF_ALGORITHMS } from './proof-algorithms.js';

/** Why a request is refused. */
export type RefusalCode =
  | 'token_missing'
  | 'token_invalid'
  | 'token_expired'
  | 'session_ended'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'insufficient_scope'
  | 'step_up_required'
  | 'unavailable';

/** The schemes of `Authorization`. A refusal names the scheme of the request, or both if the client has to choose. */
export type Scheme = 'Bearer' | 'DPoP';

/** A setting that a refusal calls in question: an option of `createVerifier`, or a variable of the service. */
export type Setting = 'issuer' | 'audience' | 'url' | 'ACCESS_TOKEN_ALG';

interface Details {
  /** Parameters of the challenge (RFC 6750 section 3, RFC 9470 section 3). */
  readonly challenge?: Readonly<Record<string, string>>;
  readonly schemes?: readonly Scheme[];
  readonly dpopNonce?: string;
  readonly cause?: unknown;
  /** Default: the message, and the message of the innermost cause. */
  readonly reason?: string;
  readonly setting?: Setting;
}

const STATUS: Readonly<Record<RefusalCode, 401 | 403 | 503>> = {
  token_missing: 401,
  token_invalid: 401,
  token_expired: 401,
  session_ended: 401,
  invalid_dpop_proof: 401,
  use_dpop_nonce: 401,
  insufficient_scope: 403,
  step_up_required: 401,
  unavailable: 503,
};

const TITLE = { 401: 'Not authenticated', 403: 'Forbidden', 503: 'Unavailable' } as const;

/** A refusal of a request. The message is for the client. Neither it nor `reason` contains a token or personal data. */
export class VerifyError extends Error {
  override readonly name = 'VerifyError';

  readonly code: RefusalCode;
  readonly status: 401 | 403 | 503;
  /** The value of `WWW-Authenticate`; null for `unavailable`, which says nothing about the token. */
  readonly challenge: string | null;
  /** The nonce for the next proof, which the answer sends in the header `DPoP-Nonce`; null: none. */
  readonly dpopNonce: string | null;
  /** Why, for the log of this application: one line. The client does not get it. */
  readonly reason: string;
  /** The setting that may be wrong; null if the refusal does not point to one. */
  readonly setting: Setting | null;
  readonly #details: Details;

  constructor(code: RefusalCode, message: string, details: Details = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = STATUS[code];
    const { challenge, schemes = ['Bearer'], dpopNonce = null } = details;
    this.dpopNonce = dpopNonce;
    this.reason = details.reason ?? `${message}${describeCause(details.cause)}`;
    this.setting = details.setting ?? null;
    const parameters = challenge && { ...challenge, error_description: message };
    this.challenge =
      this.status === 503 ? null : schemes.map((scheme) => toChallenge(scheme, parameters ?? {})).join(', ');
    this.#details = details;
  }

  /** The same refusal of a request with the scheme `DPoP`. */
  forDpop(): VerifyError {
    return new VerifyError(this.code, this.message, { ...this.#details, schemes: ['DPoP'] });
  }

  /** The same refusal with the nonce for the next proof. */
  withNonce(dpopNonce: string): VerifyError {
    return new VerifyError(this.code, this.message, { ...this.#details, dpopNonce });
  }
}

/** Formats one challenge. The challenge for DPoP also lists the algorithms of proofs (RFC 9449 section 7.1). */
function toChallenge(scheme: Scheme, parameters: Readonly<Record<string, string>>): string {
  const algs = scheme === 'DPoP' && { algs: PROOF_ALGORITHMS.join(' ') };
  const pairs = Object.entries({ realm: 'kinship', ...algs, ...parameters });
  return `${scheme} ${pairs.map(([name, value]) => `${name}="${value}"`).join(', ')}`;
}

/** Creates the refusal of a token. The client should refresh, and log in if that fails. */
export function invalidToken(
  code: 'token_invalid' | 'token_expired' | 'session_ended',
  message: string,
  details: Omit<Details, 'challenge' | 'dpopNonce'> = {},
): VerifyError {
  return new VerifyError(code, message, { ...details, challenge: { error: 'invalid_token' } });
}

/**
 * Creates the refusal of a missing proof, or of one that does not fit the request. The client should make a new one.
 */
export function invalidProof(message: string, cause?: unknown): VerifyError {
  const challenge = { error: 'invalid_dpop_proof' };
  return new VerifyError('invalid_dpop_proof', message, { challenge, cause, schemes: ['DPoP'] });
}

/**
 * Creates the refusal of a proof without a valid nonce. The client should make a new proof with the nonce of the answer
 * (RFC 9449 section 9).
 */
export function nonceNeeded(): VerifyError {
  const message = 'Make a new proof with the nonce in the header DPoP-Nonce of this answer.';
  return new VerifyError('use_dpop_nonce', message, {
    challenge: { error: 'use_dpop_nonce' },
    schemes: ['DPoP'],
  });
}

/** Creates the refusal of a request while nothing is known about its token. The client should try again. */
export function unavailable(
  message: string,
  details: Pick<Details, 'cause' | 'reason' | 'setting'> = {},
): VerifyError {
  return new VerifyError('unavailable', message, details);
}

/** Creates the error of an answer that is not 200. It says what to mend if the service key is wrong. */
export function unexpectedStatus(what: string, status: number, scope: 'verify' | 'introspect'): Error {
  const hints: Readonly<Record<number, string>> = {
    401: ' Kinship does not know revocations.serviceKey: see SERVICE_API_KEYS there.',
    403: ` revocations.serviceKey needs the scope ${scope}: see SERVICE_API_KEYS of Kinship.`,
  };
  return new Error(`${what} is answered with ${status}.${hints[status] ?? ''}`);
}

/** An HTTP answer. */
export interface Answer {
  readonly status: 401 | 403 | 503;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The HTTP answer to a refusal: a problem document (RFC 9457). */
export function toAnswer({ code, status, message, challenge, dpopNonce }: VerifyError): Answer {
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(challenge === null ? { 'retry-after': '1' } : { 'www-authenticate': challenge }),
      ...(dpopNonce !== null && { 'dpop-nonce': dpopNonce }),
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

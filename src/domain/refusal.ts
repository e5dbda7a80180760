import type { Level } from './authentication.ts';
import type { Limit } from './rate-limit.ts';
import type { ProofKind } from './second-factor.ts';

/** The closed set of refusal codes, each with its default sentence. */
const defaultDetails = {
  // refusals of a refresh, in the order of their checks
  malformed_token: 'Send each token as text in the compact form of a JWS. The refresh token is required.',
  invalid_token: 'The token was not issued by this service, or it was altered.',
  invalid_dpop_proof: 'The DPoP proof is missing or not valid.',
  use_dpop_nonce: 'The DPoP proof needs a nonce of this service.',
  pair_mismatch: 'The two tokens do not belong to one pair, or one of them is missing.',
  token_expired: 'The refresh token has expired.',
  session_not_found: 'There is no such session.',
  token_reused: 'This refresh token was used before; its session has been ended.',
  session_revoked: 'The session has been ended.',
  session_expired: 'The session has reached the end of its lifetime.',
  user_agent_changed:
    'Another browser or app used the session. Its policy does not allow that, so it has been ended.',
  address_changed: 'The session may be used only in the network that opened it.',
  idempotency_key_reused: 'This Idempotency-Key was used for the previous rotation.',
  // refusals of any request
  invalid_request: 'The request is not as documented.',
  step_up_required:
    'This change needs a more recent authentication of the user, or one with a second factor.',
  unauthenticated: 'A service key or token is missing or not valid.',
  forbidden: 'This is not allowed.',
  invalid_link: 'The link was used before, or it has expired.',
  not_found: 'There is no such resource.',
  invalid_credentials: 'The name or the password is wrong.',
  email_unverified:
    'The address of the account is not confirmed. Open the link in the mail, or ask for a new mail.',
  account_disabled: 'The account is disabled. Only an operator of the service can enable it.',
  conflict: 'The name or the address is taken.',
  second_factor_required: 'The password is right. This account also needs a second factor.',
  proof_refused: 'The identity proof is missing, is wrong or was used before, or its challenge has expired.',
  too_many_requests: 'Too many attempts; try again later.',
  unavailable: 'The service cannot answer at the moment.',
} as const;

export type RefusalCode = keyof typeof defaultDetails;

/** A limit that allows no further action at the moment. Clients distinguish limits by their names. */
export interface ReachedLimit extends Limit {
  readonly name: string;
}

interface RefusalOptions extends ErrorOptions {
  readonly retryAfter?: number;
  readonly limit?: ReachedLimit;
  readonly maxAge?: number;
  readonly acr?: Level;
}

/**
 * A refusal that the caller sees: a `code` of the closed set, and a sentence for people as its message. The message
 * never contains a secret. This class does not depend on HTTP.
 */
export class Refusal extends Error {
  override readonly name: string = 'Refusal';

  readonly code: RefusalCode;

  /** Seconds until a retry may succeed; undefined where that is not known. */
  readonly retryAfter: number | undefined;

  readonly limit: ReachedLimit | undefined;

  /**
   * Milliseconds for which an authentication counts as recent. Only with `step_up_required`, even if only the level is
   * too low.
   */
  readonly maxAge: number | undefined;

  /** The level that an authentication must have; undefined where any is enough. */
  readonly acr: Level | undefined;

  constructor(code: RefusalCode, detail: string = defaultDetails[code], options?: RefusalOptions) {
    super(detail, options);
    this.code = code;
    this.retryAfter = options?.retryAfter;
    this.limit = options?.limit;
    this.maxAge = options?.maxAge;
    this.acr = options?.acr;
  }
}

/**
 * The user has no account in this service. Another system may manage the account. Such a user has sessions here, but no
 * name, no factors and no tasks.
 */
export function accountNotFound(): Refusal {
  return new Refusal('not_found', 'This user has no account here.');
}

/** The challenge of the second step of a login. */
export interface SecondStepChallenge {
  /** The sealed challenge, which the second step sends back. */
  readonly challenge: string;
  /** What the account can answer with. */
  readonly kinds: readonly ProofKind[];
  /** The options with which the browser signs with a passkey, if the account has one. */
  readonly publicKey?: object;
}

/** The password is right, and the account wants a second factor. */
export class SecondFactorRequired extends Refusal {
  readonly challenge: SecondStepChallenge;

  constructor(challenge: SecondStepChallenge) {
    super('second_factor_required');
    this.challenge = challenge;
  }
}

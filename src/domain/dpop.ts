import { MINUTE } from './durations.ts';
import { Refusal } from './refusal.ts';

/** The signature algorithms of accepted DPoP proofs. All are asymmetric. */
export const DPOP_ALGORITHMS = ['ES256', 'ES384', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const;

/** Whether logins may bind a session to a key of the client. Bound sessions stay bound under every mode. */
export type DpopMode = 'optional' | 'required' | 'off';

/**
 * The confirmation claim of a token that is bound to a key: the thumbprint of the key (RFC 7800, RFC 9449 section 6).
 */
export interface Confirmation {
  readonly jkt: string;
}

/** A proof whose form and signature are valid (RFC 9449 section 4.2). Nothing else of it is checked yet. */
export interface DpopProof {
  /** The thumbprint (RFC 7638, SHA-256) of the key that signed the proof. */
  readonly jkt: string;
  readonly jti: string;
  /** The method and the URL of the request for which the proof was made. */
  readonly htm: string;
  readonly htu: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** Hash of the access token that the proof accompanies. */
  readonly ath: string | null;
  readonly nonce: string | null;
}

/** A request as the client sent it. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
}

/** A request with the text of its `DPoP` header; null without the header. */
export interface PresentedDpopProof extends SentRequest {
  readonly proof: string | null;
}

/** What a proof must match besides the request. */
interface Expected {
  /** The thumbprint of the key; null where any key is accepted. */
  readonly jkt: string | null;
  /** The `ath` of the access token in the same request; null without one. */
  readonly ath: string | null;
}

const details = {
  missing: 'The session is bound to a key: send a proof in the header DPoP.',
  required: 'Sessions must be bound to a key: log in with a proof in the header DPoP.',
  unbound: 'The session is not bound to a key, and only a login can bind it. Send no proof.',
  malformed:
    'The DPoP header must hold one proof: a JWS as in RFC 9449, with a supported algorithm and its public key.',
  other_key: 'The proof was made with another key than that of the session.',
  other_request: 'The proof was made for another method or URL. A proxy may hide them from this service.',
  wrong_time:
    'The proof was made too long ago, or in the future. Compare the clock of the client with the Date header.',
  other_token: 'The proof was made for another access token, or without an access token.',
  nonce: 'Make a new proof with the nonce in the header DPoP-Nonce of this answer.',
  replayed: 'The proof was used before: make a new one for each request.',
} as const;

/** Why a proof is not accepted. */
export type DpopFault = keyof typeof details;

export const DPOP_FAULTS = Object.keys(details) as DpopFault[];

/** The refusal of a request whose proof is missing or not accepted. */
export class DpopRefusal extends Refusal {
  override readonly name = 'DpopRefusal';

  readonly fault: DpopFault;

  constructor(fault: DpopFault) {
    super(fault === 'nonce' ? 'use_dpop_nonce' : 'invalid_dpop_proof', details[fault]);
    this.fault = fault;
  }
}

/** The maximum age of a proof in milliseconds, in addition to the clock skew. */
const MAX_AGE = MINUTE;

/**
 * Until when a proof that arrives at `now` must be remembered, so that it cannot be used again. The proof may be dated
 * `MAX_AGE + clockSkew` ahead, and is accepted for as long after its time. The replica that gets the proof again may be
 * behind this replica by the clock skew.
 */
export function dpopProofForgottenAt(now: number, clockSkew: number): number {
  return now + 2 * MAX_AGE + 3 * clockSkew;
}

/**
 * Why a proof does not fit its request, or null (RFC 9449 section 4.3). Replays and nonces are checked elsewhere. The
 * key is checked first: a proof of another key means that another party has the token, whatever else is wrong.
 */
export function findDpopFault(
  proof: DpopProof,
  request: SentRequest,
  expected: Expected,
  { now, clockSkew }: { readonly now: number; readonly clockSkew: number },
): DpopFault | null {
  if (expected.jkt !== null && proof.jkt !== expected.jkt) return 'other_key';
  if (proof.htm !== request.method || !isSameUrl(proof.htu, request.url)) return 'other_request';
  if (Math.abs(now - proof.iat * 1000) > MAX_AGE + clockSkew) return 'wrong_time';
  if (expected.ath !== null && proof.ath !== expected.ath) return 'other_token';
  return null;
}

/**
 * Compares without query and fragment (RFC 9449 section 4.3), after normalization (RFC 3986 sections 6.2.2 and 6.2.3).
 */
function isSameUrl(one: string, other: string): boolean {
  const normalized = normalizeUrl(one);
  return normalized !== null && normalized === normalizeUrl(other);
}

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;

function normalizeUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, port, pathname, username, password } = new URL(text);
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') return null;
  // The names of this machine are equal, because a client and a service on it may use different names.
  const host = LOOPBACK.test(hostname) ? 'localhost' : hostname;
  return `${protocol}//${host}:${port}${pathname.replace(/%[0-9a-f]{2}/gi, normalizeEscape)}`;
}

function normalizeEscape(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
}

const THUMBPRINT = /^[\w-]{43}$/;

/** Whether the value is a confirmation claim of this service. */
export function isConfirmation(value: unknown): value is Confirmation {
  const { jkt } = Object(value) as Record<string, unknown>;
  return typeof jkt === 'string' && THUMBPRINT.test(jkt);
}

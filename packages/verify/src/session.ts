import type { JWTPayload } from 'jose';
import { invalidToken } from './errors.js';
import { isSessionId } from './session-set.js';

/** The session of an accepted access token. Times in seconds since the epoch. */
export interface Session {
  readonly userId: string;
  readonly sessionId: string;
  readonly clientId: string | null;
  readonly scopes: readonly string[];
  /** When the user last showed a credential; null if the token does not say. */
  readonly authTime: number | null;
  /** The level of that authentication; null if the token does not say. */
  readonly acr: string | null;
  readonly expiresAt: number;
  /**
   * The nonce for the client's next proofs. Send it in the header `DPoP-Nonce` of the answer. Null if the client has
   * the current nonce, or needs none.
   */
  readonly dpopNonce: string | null;
  /** All claims of the token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Reads verified claims. Throws `token_invalid` unless they are the claims of an access token of the service. */
export function toSession(claims: JWTPayload): Session {
  const { sub, sid, exp, client_id: clientId, scope, auth_time: authTime, acr } = claims;
  if (typeof sub !== 'string' || !isSessionId(sid) || typeof exp !== 'number')
    throw invalidToken('token_invalid', 'The token is no access token of a session.');
  return {
    userId: sub,
    sessionId: sid,
    clientId: typeof clientId === 'string' ? clientId : null,
    scopes: typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : [],
    authTime: typeof authTime === 'number' ? authTime : null,
    acr: typeof acr === 'string' ? acr : null,
    expiresAt: exp,
    dpopNonce: null,
    claims,
  };
}

/** The thumbprint of the key to which a token is bound (RFC 9449 section 6); null if it is not bound. */
export function thumbprintOf({ cnf }: Session['claims']): string | null {
  if (cnf === undefined) return null;
  const { jkt } = Object(cnf) as Record<string, unknown>;
  // Another confirmation, such as that of a certificate, cannot be checked here.
  if (typeof jkt !== 'string') throw invalidToken('token_invalid', 'The token is bound in an unknown way.');
  return jkt;
}

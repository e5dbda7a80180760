import type { ClientInfo } from './client-info.ts';
import type { OAuthClient } from './oauth-client.ts';
import type { RevocationReason } from './revocation.ts';
import type { RefreshClaims } from './token-pair.ts';

/** The kind of exchange. A step-up also proves the user's identity again, so its pair has a new `auth_time`. */
export type ExchangeKind = 'refresh' | 'step_up';

/**
 * A verified refresh request, and what the replica that serves it knows. The verdict reads only this, the row, and two
 * settings of the operator.
 */
export interface RefreshContext {
  readonly operation: ExchangeKind;
  readonly claims: RefreshClaims;
  /** Keyed hash of the token's `jti`, made under the scheme of the family's row. */
  readonly hashedTokenId: string;
  /** Keyed hash of the request's operation and `Idempotency-Key`, made under the same scheme; null without a key. */
  readonly retryKeyHash: string | null;
  readonly client: ClientInfo;
  /** The client that the request names or authenticates as; null if it does neither. */
  readonly oauthClient: OAuthClient | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The revocation that this replica remembers, or null. The row may have lost that revocation in a fail-over. */
  readonly knownRevocation: RevocationReason | null;
}

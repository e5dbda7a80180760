import type { DpopProof } from '../../domain/dpop.ts';

/** Nonces for proofs (RFC 9449 section 8). A proof with a current nonce was made a few minutes ago at most. */
export interface DpopNonces {
  /** The nonce for a proof that is made at `now` (milliseconds). It is the same for all clients and replicas. */
  current(now: number): string;

  /** Whether a nonce was given out within the last minutes. `clockSkew` allows for replicas whose clocks are ahead. */
  isValid(nonce: string, now: number, clockSkew: number): boolean;
}

/** Reads proofs that a client holds the private key to which its tokens are bound (RFC 9449). */
export interface DpopProofs {
  /**
   * Verifies form, type, algorithm, key and signature of a proof, and returns its content. Null: the text is no such
   * proof. Neither its times nor the request are checked.
   */
  read(proof: string): Promise<DpopProof | null>;

  /** The `ath` of an access token: its SHA-256, base64url (RFC 9449 section 4.2). */
  hashAccessToken(token: string): string;
}

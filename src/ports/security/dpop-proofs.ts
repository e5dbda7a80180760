import type { DpopProof } from '../../domain/dpop.ts';

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

/** Nonces for proofs (RFC 9449 section 8). A proof with a current nonce was made a few minutes ago at most. */
export interface DpopNonces {
  /** The nonce for a proof that is made at `now` (milliseconds). It is the same for all clients and replicas. */
  current(now: number): string;

  /** Whether a nonce was given out within the last minutes. `clockSkew` allows for replicas whose clocks are ahead. */
  isValid(nonce: string, now: number, clockSkew: number): boolean;
}

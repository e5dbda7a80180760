/** Secrets and signatures of Standard Webhooks. */
export interface WebhookSignatures {
  /** A new random secret: `whsec_` and base64. */
  makeSecret(): string;

  /**
   * The value of `webhook-signature`: one signature for each secret.
   *
   * @param timestamp seconds since the epoch
   */
  sign(secrets: readonly string[], message: SignedMessage): string;
}

export interface SignedMessage {
  readonly id: string;
  readonly timestamp: number;
  readonly body: string;
}

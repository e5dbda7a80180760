/** Signs tokens about events, which receivers verify by the published keys. */
export interface EventTokens {
  /** The `iss` of the tokens. */
  readonly issuer: string;

  /** Signs the claims and `iss` as a compact JWS. Rejects if no asymmetric key signs. */
  sign(typ: string, claims: Readonly<Record<string, unknown>>): Promise<string>;
}

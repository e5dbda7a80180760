/** A secret key and the `kid` that tokens and rows refer to. */
export interface NamedKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

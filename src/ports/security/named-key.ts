/** A secret key and the `kid` under which tokens and rows name it. */
export interface NamedKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

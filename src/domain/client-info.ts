/** The client of a request: its address and the stored part of its `User-Agent`. */
export interface ClientInfo {
  readonly address: string;
  readonly userAgent: string;
  /** Hash of the full user agent's product, base64url. Without it the stored part of the agent is compared. */
  readonly productHash?: string;
}

/** The fields of a client that events carry: never a hash. */
export function clientFacts({ address, userAgent }: ClientInfo): Pick<ClientInfo, 'address' | 'userAgent'> {
  return { address, userAgent };
}

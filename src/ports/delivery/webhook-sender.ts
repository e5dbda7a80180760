/** A POST to an endpoint. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookAnswer {
  readonly status: number;
  /** The header `Retry-After` as it was sent; null without one. */
  readonly retryAfter: string | null;
  /** The start of the body. */
  readonly text: string;
}

/** The URL, or every address of its host, is refused: see {@link WebhookSender}. The message says why. */
export class RefusedTarget extends Error {
  override readonly name = 'RefusedTarget';
}

/** The sender was closed. The request may have arrived. */
export class SenderClosed extends Error {
  override readonly name = 'SenderClosed';
}

/**
 * Sends requests to endpoints outside. It never connects to an address of an internal network, unless the operator has
 * allowed that network.
 */
export interface WebhookSender {
  /** Why the sender never sends to this URL, judged by its text alone. Null: it may send. */
  refusalOf(url: string): string | null;

  /**
   * Resolves with the answer, whatever its status; redirects are answers. The name is resolved once, and the connection
   * goes to the address that was checked. Rejects with {@link RefusedTarget} for a refused target and with {@link
   * SenderClosed} at shutdown. Rejects with any other error if no response arrives in time.
   */
  send(request: WebhookRequest): Promise<WebhookAnswer>;

  /** Waits briefly for running requests, then rejects them. */
  close(): Promise<void>;
}

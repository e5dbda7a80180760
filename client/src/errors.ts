import type { Recovery } from './types.js';

interface Facts extends ErrorOptions {
  readonly recovery: Recovery;
  readonly status?: number;
  readonly retryAfter?: number;
}

/** The reason why a request to the service failed. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  /**
   * The code of the problem document. `unreachable`: there was no answer. `unexpected_answer`: this service did not
   * send the answer.
   */
  declare readonly code: string;
  declare readonly recovery: Recovery;
  /** Status of the answer; 0 without an answer. */
  declare readonly status: number;
  /** Seconds that the service asks the client to wait; 0 without such a request. */
  declare readonly retryAfter: number;

  constructor(code: string, message: string, facts: Facts) {
    super(message, facts);
    Object.assign(this, { code, status: 0, retryAfter: 0 }, facts);
  }
}

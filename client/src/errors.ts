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
   * The problem's code, `unreachable` without an answer, `unexpected_answer` for an answer that is no problem of this
   * service.
   */
  readonly code: string;
  readonly recovery: Recovery;
  /** Status of the answer; 0 without an answer. */
  readonly status: number;
  /** Seconds that the service asks the client to wait; 0 without such a request. */
  readonly retryAfter: number;

  constructor(code: string, message: string, { recovery, status = 0, retryAfter = 0, ...options }: Facts) {
    super(message, options);
    this.code = code;
    this.recovery = recovery;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

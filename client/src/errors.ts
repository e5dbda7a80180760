import type { Recovery } from './types.js';

interface Facts extends ErrorOptions {
  readonly recovery: Recovery;
  readonly status?: number;
  readonly retryAfter?: number;
}

/** Why the service did not do what it was asked. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  /** The problem's code; `unreachable` without an answer, `unexpected_answer` for one that is none of the service's. */
  readonly code: string;
  readonly recovery: Recovery;
  /** Of the answer; 0 without one. */
  readonly status: number;
  /** Seconds that the service asks to wait; 0 where it does not say. */
  readonly retryAfter: number;

  constructor(code: string, message: string, { recovery, status = 0, retryAfter = 0, ...options }: Facts) {
    super(message, options);
    this.code = code;
    this.recovery = recovery;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A mail to one recipient. */
export interface Mail {
  /** The same at every attempt, so that a receiver can detect a duplicate. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/**
 * This mail can never be sent. The mail server refused it with a 5xx reply (RFC 5321 section 4.2.1), or its recipient
 * or id is malformed.
 */
export class MailRejected extends Error {
  override readonly name = 'MailRejected';
}

export interface Mailer {
  /**
   * Resolves after the mail server has accepted the mail. Rejects with {@link MailRejected} if a retry cannot succeed,
   * with any other error if a retry may succeed.
   */
  send(mail: Mail): Promise<void>;
  close(): Promise<void>;
}

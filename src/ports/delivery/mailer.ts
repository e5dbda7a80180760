/** A mail to one recipient. */
export interface Mail {
  /** Stable over all attempts: a receiver that sees it twice can tell. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** The mail server refuses this mail for good (a 5xx answer, RFC 5321 section 4.2.1). */
export class MailRejected extends Error {
  override readonly name = 'MailRejected';
}

export interface Mailer {
  /**
   * Resolves once the mail was taken over. Rejects with {@link MailRejected} if trying again is of no use, with
   * any other error if it may be.
   */
  send(mail: Mail): Promise<void>;
  close(): Promise<void>;
}

import type { AuditEvent, NewAuditEvent } from '../../domain/audit.ts';

/** An event of the audit log, recorded together with the change that it is about. */
export interface AuditEntry extends NewAuditEvent {
  readonly kind: 'audit';
  /** See {@link TokenFamilies}. */
  readonly oncePerDay?: string;
}

/** A position in the log. */
export type AuditPosition = Pick<AuditEvent, 'occurredAt' | 'id'>;

/** Which events are wanted. An absent member selects all. */
export interface AuditFilter {
  /** Any of these types. */
  readonly types?: readonly string[];
  readonly userId?: string;
  readonly sessionId?: string;
  /** Milliseconds: events at this time or later. */
  readonly from?: number;
  /** Milliseconds: events before this time. */
  readonly to?: number;
}

/** A page of the log. It starts behind the event `after`; null: the first page. */
export interface AuditPage {
  readonly limit: number;
  readonly after: AuditPosition | null;
  /** Default: oldest first. */
  readonly newestFirst?: boolean;
}

/** A wrong password. `userId` null: the name has no account. */
export interface FailedPassword {
  readonly userId: string | null;
  readonly network: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * The audit log. Stores of other ports record events in it, each together with the change that it is about: see
 * {@link ChangeEntry}. An event never changes.
 */
export interface AuditLog {
  /** The events that match, in the order of the page: up to `page.limit` behind `page.after`. */
  list(filter: AuditFilter, page: AuditPage): Promise<readonly AuditEvent[]>;

  /** Records an event that comes with no change, such as a refusal. */
  record(event: NewAuditEvent): Promise<void>;

  /**
   * Counts a wrong password for its minute, account and network; all unknown names of a network are one count. A minute
   * has at most 1,000 counts. All failures beyond that share one count.
   */
  countFailedPassword(failure: FailedPassword): Promise<void>;

  /**
   * Turns up to `limit` counts of minutes before `before` into events `users.password_failed`, and returns their
   * number. The address of such an event is the network. Its data has `count`, and `subject` (`unknown` or `rest`)
   * without an account.
   */
  copyFailedPasswords(before: number, limit: number): Promise<number>;
}

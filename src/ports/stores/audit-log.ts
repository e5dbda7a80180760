import type { AuditEvent, NewAuditEvent } from '../../domain/audit.ts';

/** An event of the audit log, recorded together with the change that it is about. */
export interface AuditEntry extends NewAuditEvent {
  readonly kind: 'audit';
  /** Recorded at most once for each family, subject and day; this is the subject. See {@link TokenFamilies}. */
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
export interface AuditPageRequest {
  readonly limit: number;
  readonly after: AuditPosition | null;
  /** Default: oldest first. */
  readonly newestFirst?: boolean;
}

/** A page of events. `next` null: no event follows. */
export interface FoundEvents {
  readonly events: readonly AuditEvent[];
  /** The position where the next page starts. */
  readonly next: AuditPosition | null;
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
  /**
   * The events that match, in the order of the page: up to `page.limit` behind `page.after`. A page that is not the
   * last one can have fewer events, or none: one call reads a limited number of events of a user or a session.
   */
  list(filter: AuditFilter, page: AuditPageRequest): Promise<FoundEvents>;

  /** Records an event that comes with no change, such as a refusal. */
  record(event: NewAuditEvent): Promise<void>;

  /**
   * Adds a wrong password to the counter of its minute, account and network. All unknown names of a network share one
   * counter. A minute has at most 1,000 counters: the last one takes all failures that would need a further counter.
   */
  countFailedPassword(failure: FailedPassword): Promise<void>;

  /**
   * Replaces up to `limit` counters of minutes before the time `before` by events `users.password_failed`. Returns the
   * number of events. The address of such an event is the network, and null for `rest`. Its data has `count`. If the
   * event has no account, its data also has `subject`: `unknown` or `rest`.
   */
  moveFailedPasswordCounts(before: number, limit: number): Promise<number>;
}

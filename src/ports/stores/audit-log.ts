import type { AuditEvent, NewAuditEvent } from '../../domain/audit.ts';

/** An event of the audit log, recorded together with the change that it is about. */
export interface AuditEntry extends NewAuditEvent {
  readonly kind: 'audit';
  /** See {@link TokenFamilies}. */
  readonly oncePerDay?: string;
}

/** A place in the log. */
export type AuditPlace = Pick<AuditEvent, 'occurredAt' | 'id'>;

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
  readonly after: AuditPlace | null;
  /** Default: oldest first. */
  readonly newestFirst?: boolean;
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
}

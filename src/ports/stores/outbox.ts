import type { DomainEvent, EventType } from '../../domain/events.ts';
import type { TraceContext } from '../tracing.ts';

/** How an entry leaves: as an event for other systems, or as a mail to the user. */
export type DeliveryKind = 'event' | 'mail';

/** Something to be delivered, recorded together with the change that caused it. */
export interface OutboxEntry {
  /** Stable over all attempts. */
  readonly id: string;
  readonly kind: DeliveryKind;
  readonly event: DomainEvent;
  /** See {@link TokenFamilies}. */
  readonly oncePerDay?: string;
}

/** An entry that this replica has claimed for one attempt. */
export interface ClaimedEntry {
  readonly id: string;
  readonly event: DomainEvent;
  /** 1 at the first attempt. */
  readonly attempt: number;
  /** The address that the session gave at login to be written to, if any. */
  readonly contact: string | null;
  /** The span under way when it was recorded, so that its delivery joins the trace of what caused it. */
  readonly trace: TraceContext | null;
}

/** When an entry that was not delivered becomes due again, with the reason kept for the operator. */
export interface Postponement {
  readonly id: string;
  readonly dueAt: number;
  readonly reason: string;
}

/** What waits of one kind. `oldestAt`: when the oldest of it happened, null where nothing waits. */
export interface Backlog {
  readonly kind: DeliveryKind;
  readonly count: number;
  readonly oldestAt: number | null;
  /** Entries that are not tried again within an hour, such as events that no queue takes. */
  readonly postponed: number;
}

/**
 * What is still to be delivered. At least once: an entry that is claimed and not settled within its lease comes
 * back with the same id. All times in milliseconds.
 */
export interface Outbox {
  /**
   * Claims up to `limit` due entries of one kind, oldest first, until `leasedUntil`. An entry is claimed by one
   * caller at a time, whatever the number of replicas.
   */
  claim(
    kind: DeliveryKind,
    now: number,
    leasedUntil: number,
    limit: number,
  ): Promise<readonly ClaimedEntry[]>;

  /** The entries are done with: they are gone. */
  settle(ids: readonly string[]): Promise<void>;

  /** Not delivered, each to be tried again in its time. */
  postpone(postponements: readonly Postponement[]): Promise<void>;

  /** Up to `limit` events of this type that are due later than `after` become due at `dueAt`; answers how many. */
  hasten(type: EventType, after: number, dueAt: number, limit: number): Promise<number>;

  /** Not to be tried again: it is kept aside with the reason. */
  bury(id: string, at: number, reason: string): Promise<void>;

  /**
   * What waits, of every kind: entries that are due, claimed, or to be tried again within an hour, and beside them
   * those that are postponed for longer. A mail that is held for a digest is neither until that is due. Cheap however
   * much waits: of a kind no more than 50,000 of each are counted.
   */
  backlog(now: number): Promise<readonly Backlog[]>;

  /** Removes up to `limit` entries of a kind that happened before, buried or not, the oldest first; answers how many. */
  forget(kind: DeliveryKind, before: number, limit: number): Promise<number>;
}

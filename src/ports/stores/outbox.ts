import type { DomainEvent, EventType } from '../../domain/events.ts';
import type { TraceContext } from '../tracing.ts';

/** How an entry is delivered: as an event to other systems, or as a mail to the user. */
export type DeliveryKind = 'event' | 'mail';

/** An event or mail to deliver, recorded together with the change that caused it. */
export interface OutboxEntry {
  /** The same at every delivery attempt. */
  readonly id: string;
  readonly kind: DeliveryKind;
  readonly event: DomainEvent;
  /** See {@link TokenFamilies}. */
  readonly oncePerDay?: string;
  /** See {@link TokenFamilies.open}. */
  readonly ifNewDevice?: true;
}

/** An entry that this replica has claimed for one attempt. */
export interface ClaimedEntry {
  readonly id: string;
  readonly event: DomainEvent;
  /** 1 at the first attempt. */
  readonly attempt: number;
  /**
   * For an event of a session: the mail address that the login gave; null without one. For a change of an account: the
   * address of the account at that time.
   */
  readonly contact: string | null;
  /** The span that recorded the entry, so that the delivery joins its trace; null without one. */
  readonly trace: TraceContext | null;
}

/** When an undelivered entry becomes due again. The reason is stored for the operator. */
export interface Postponement {
  readonly id: string;
  readonly dueAt: number;
  readonly reason: string;
  /** No queue took the event. */
  readonly isUnroutable?: true;
}

/** The waiting entries of one kind. `oldestAt`: the time of the oldest event, null where no entry waits. */
export interface Backlog {
  readonly kind: DeliveryKind;
  readonly count: number;
  readonly oldestAt: number | null;
  /** Entries that are not due within an hour, and events that no queue took. */
  readonly postponed: number;
}

/**
 * The entries that are still to be delivered. Delivery is at least once. An entry that is neither acknowledged nor
 * postponed within the lease of its claim can be claimed again. It keeps its id. All times in milliseconds.
 */
export interface Outbox {
  /**
   * Claims up to `limit` due entries of one kind, the longest due first, until `leasedUntil`. Only one caller over all
   * replicas holds a claim on an entry.
   */
  claim(
    kind: DeliveryKind,
    now: number,
    leasedUntil: number,
    limit: number,
  ): Promise<readonly ClaimedEntry[]>;

  /** Removes delivered entries. */
  acknowledge(ids: readonly string[]): Promise<void>;

  /** Schedules the next attempt of undelivered entries. */
  postpone(postponements: readonly Postponement[]): Promise<void>;

  /** Moves up to `limit` events of this type from due times later than `after` to `dueAt`. Returns their number. */
  makeDue(type: EventType, after: number, dueAt: number, limit: number): Promise<number>;

  /** Stops further attempts. The entry stays stored with the reason. */
  deadLetter(id: string, at: number, reason: string): Promise<void>;

  /**
   * The backlog of every kind. `count`: entries that are due within an hour, or whose lease ends within an hour. It
   * excludes the events that no queue took at their last attempt. `postponed`: these events, and entries that are due
   * later. Without a broker, `postponed` includes the logged events. A mail held for a digest is in neither number
   * until the digest is due. Each number stops at 50,000, so that the call stays cheap.
   */
  backlog(now: number): Promise<readonly Backlog[]>;

  /**
   * Removes up to `limit` entries of a kind that are older than `before`, also dead-lettered ones. Returns their
   * number.
   */
  forget(kind: DeliveryKind, before: number, limit: number): Promise<number>;
}

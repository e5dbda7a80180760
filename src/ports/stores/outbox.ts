import type { DomainEvent } from '../../domain/events.ts';

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

  /** The entry was delivered: it is gone. */
  settle(id: string): Promise<void>;

  /** Not delivered: it becomes due again at `dueAt`, with the reason kept for the operator. */
  postpone(id: string, dueAt: number, reason: string): Promise<void>;

  /** Not to be tried again: it is kept aside with the reason. */
  bury(id: string, at: number, reason: string): Promise<void>;

  /** Removes entries of a kind that happened before, buried or not; answers how many. */
  forget(kind: DeliveryKind, before: number): Promise<number>;
}

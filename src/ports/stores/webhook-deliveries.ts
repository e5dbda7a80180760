import type { DeliveryAttemptRecord, DeliveryState } from '../../domain/webhooks.ts';
import type { TraceContext } from '../tracing.ts';
import type { AuditEntry } from './audit-log.ts';

/** An event that an endpoint gets. `type` and `data` are those of a {@link DomainEvent}, or of a stream's own event. */
export interface DeliveredEvent {
  /** The same for all endpoints and at every attempt. */
  readonly id: string;
  readonly type: string;
  readonly occurredAt: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A delivery that this replica has claimed for one attempt. */
export interface ClaimedDelivery {
  readonly event: DeliveredEvent;
  /** 1 at the first attempt, and again at the first one after the delivery was sent again. */
  readonly attempt: number;
  readonly history: readonly DeliveryAttemptRecord[];
  readonly trace: TraceContext | null;
}

/** The result of an attempt. */
export interface DeliveryOutcome {
  readonly eventId: string;
  readonly state: DeliveryState;
  readonly dueAt: number;
  readonly history: readonly DeliveryAttemptRecord[];
}

/** A delivery as operators see it. */
export interface StoredDelivery {
  readonly event: Omit<DeliveredEvent, 'data'>;
  readonly state: DeliveryState;
  readonly dueAt: number;
  readonly attempts: number;
  readonly history: readonly DeliveryAttemptRecord[];
}

/** A position in the list of deliveries. */
export interface DeliveryPosition {
  readonly occurredAt: number;
  readonly eventId: string;
}

export interface DeliveryPeriod {
  /** Events from this time on. */
  readonly from: number;
  /** Events before this time. */
  readonly to: number;
  /** True: only failed deliveries are sent again. False: delivered events are sent again, too. */
  readonly onlyFailed: boolean;
}

/** The deliveries of a period that one call made due. */
export interface SentPeriod {
  readonly count: number;
  /** The time of the latest event among them. A further call continues from here. Null if there are none. */
  readonly latest: number | null;
}

/** The deliveries that wait. `oldestDueAt`: when the longest overdue delivery became due; null where none is due. */
export interface DeliveryBacklog {
  readonly pending: number;
  readonly oldestDueAt: number | null;
}

/**
 * A row for each event and each endpoint that wants it. The statement that records an event in the outbox also writes
 * the deliveries, so they commit together with the change. Delivery is at least once: a delivery that is claimed and
 * not recorded within its lease can be claimed again. All times in milliseconds.
 */
export interface WebhookDeliveries {
  /**
   * The endpoints that have a due delivery and are not held (see {@link EndpointHealth.heldUntil}). Only enabled
   * endpoints, except for `streams.updated`, which notifies the receiver of a disabled stream.
   */
  listDueEndpoints(now: number): Promise<readonly string[]>;

  /**
   * Claims up to `limit` due deliveries of one endpoint, the longest due first, until `leasedUntil`. Only one caller
   * over all replicas holds a claim on a delivery. Claims nothing for a held endpoint, and only `streams.updated` for
   * an endpoint that is not enabled.
   */
  claim(
    endpointId: string,
    now: number,
    leasedUntil: number,
    limit: number,
  ): Promise<readonly ClaimedDelivery[]>;

  /** Records the results of attempts. A delivery that was delivered meanwhile stays so. */
  record(endpointId: string, outcomes: readonly DeliveryOutcome[]): Promise<void>;

  /** Adds an event of one endpoint alone. */
  add(endpointId: string, event: DeliveredEvent): Promise<void>;

  /** Up to `limit` deliveries of an endpoint, newest event first, after the position. Null: from the newest. */
  list(endpointId: string, limit: number, after: DeliveryPosition | null): Promise<readonly StoredDelivery[]>;

  /** Makes a delivery due at `at`, with the full number of attempts again. False for an unknown delivery. */
  sendAgain(
    endpointId: string,
    eventId: string,
    at: number,
    entries?: readonly AuditEntry[],
  ): Promise<boolean>;

  /**
   * Makes up to `limit` deliveries of a period due at `at`, oldest event first. Pending deliveries stay as they are.
   * The entries are recorded if any delivery becomes due.
   */
  sendPeriodAgain(
    endpointId: string,
    period: DeliveryPeriod,
    at: number,
    limit: number,
    entries?: readonly AuditEntry[],
  ): Promise<SentPeriod>;

  /** Removes up to `limit` deliveries of events before this time, in any state. Returns their number. */
  forget(before: number, limit: number): Promise<number>;

  /**
   * Removes up to `limit` deliveries of an endpoint that was removed, and returns their number. Removes nothing if the
   * endpoint exists.
   */
  forgetRemoved(endpointId: string, limit: number): Promise<number>;

  /** The deliveries of enabled endpoints that wait. The number stops at 50,000, so that the call stays cheap. */
  backlog(now: number): Promise<DeliveryBacklog>;
}

import type { DisabledReason, WebhookEndpoint } from '../../domain/webhooks.ts';
import type { AuditEntry } from './audit-log.ts';
import type { SealedRows } from './sealed-rows.ts';
import type { DeliveredEvent } from './webhook-deliveries.ts';

/** What a change of an endpoint replaces. */
export type EndpointChange = Partial<
  Pick<
    WebhookEndpoint,
    'url' | 'types' | 'contact' | 'state' | 'disabledBecause' | 'stream' | 'sealedCredentials'
  >
>;

/** The maximum numbers of endpoints: in total, and for one service key. */
export interface EndpointLimits {
  readonly total: number;
  readonly ofOwner: number;
}

/** The result of a round of attempts at one endpoint. */
export interface EndpointHealth {
  readonly at: number;
  /** Whether a delivery succeeded. */
  readonly hasSucceeded: boolean;
  /** The endpoint gets no request before this time, or before the recorded time if that is later. Null: unchanged. */
  readonly heldUntil: number | null;
}

/** A disabled endpoint whose contact this replica notifies by mail: one attempt. */
export interface ClaimedNotification {
  readonly id: string;
  readonly url: string;
  readonly contact: string;
  readonly because: DisabledReason;
  /** When its failures began. */
  readonly failingSince: number | null;
  /** 1 at the first attempt. */
  readonly attempt: number;
  /** The time of the first attempt. */
  readonly since: number;
}

/** Identifies a claim: see {@link WebhookEndpoints.claimNotifications}. */
export type NotificationClaim = Pick<ClaimedNotification, 'id' | 'attempt' | 'since'>;

/**
 * The endpoints that get events by HTTP. A change and the entries given with it commit together or not at all. All
 * times in milliseconds. All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface WebhookEndpoints extends SealedRows {
  /** False, and nothing changes, if a limit is reached or the id exists. Concurrent calls never pass a limit. */
  add(endpoint: WebhookEndpoint, limits: EndpointLimits, entries?: readonly AuditEntry[]): Promise<boolean>;

  /** All endpoints, oldest first. */
  list(): Promise<readonly WebhookEndpoint[]>;

  find(id: string): Promise<WebhookEndpoint | null>;

  /**
   * Changes an endpoint, and returns it after the change. Null, and nothing changes, if another request has removed or
   * changed the endpoint, so that it differs from `expected`. A change to the state `enabled` also forgets earlier
   * failures and the time until which the endpoint was held. `notice` is an event for this endpoint alone, and commits
   * together with the change.
   */
  change(
    expected: WebhookEndpoint,
    change: EndpointChange,
    entries?: readonly AuditEntry[],
    notice?: DeliveredEvent | null,
  ): Promise<WebhookEndpoint | null>;

  /** Removes an endpoint, so that its deliveries are no longer sent. False for an unknown id. */
  remove(id: string, entries?: readonly AuditEntry[]): Promise<boolean>;

  /**
   * Records a round of attempts. A success forgets earlier failures. A round without a success sets `failingSince`,
   * unless it is set already.
   */
  recordHealth(id: string, health: EndpointHealth): Promise<void>;

  /**
   * Claims up to `limit` endpoints that the service disabled, and whose contact has not been notified, until
   * `leasedUntil`. Only one caller over all replicas holds a claim on an endpoint. A claim that is neither ended nor
   * postponed is due again after the lease. It ends when another caller claims the endpoint, or its state changes.
   */
  claimNotifications(
    now: number,
    leasedUntil: number,
    limit: number,
  ): Promise<readonly ClaimedNotification[]>;

  /** Schedules the next attempt to notify the contact. Changes nothing if the claim has ended. */
  postponeNotification(claim: NotificationClaim, dueAt: number): Promise<void>;

  /**
   * Makes no further attempt to notify the contact, unless the endpoint is disabled again. Changes nothing if the claim
   * has ended.
   */
  endNotification(claim: NotificationClaim, at: number): Promise<void>;
}

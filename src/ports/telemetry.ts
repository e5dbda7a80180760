import type { DpopFault } from '../domain/dpop.ts';
import type { RefusalCode } from '../domain/refusal.ts';
import type { DeliveryFormat, DisabledReason } from '../domain/webhooks.ts';
import type { DeliveryKind } from './stores/outbox.ts';

/** Why an operation failed: a refusal, or an internal error. */
export type Fault = RefusalCode | 'internal_error';

/**
 * How an attempt to deliver an outbox entry ended.
 *
 * Mails: `unaddressed` has no recipient and is dropped. `held` waits for a digest. `dead_letter` is not tried again.
 *
 * Events: `unroutable` waits until a queue takes its type. `unwanted` was unroutable for too long and is dropped.
 * `logged` was only logged, because no broker is configured.
 */
export type OutboxOutcome =
  | 'sent'
  | 'postponed'
  | 'dead_letter'
  | 'unaddressed'
  | 'held'
  | 'routed'
  | 'unroutable'
  | 'unwanted'
  | 'failed'
  | 'logged';

/** What background work removes after its retention time. */
export type Removal =
  | 'mails'
  | 'events'
  | 'links'
  | 'sessions'
  | 'mail_budgets'
  | 'devices'
  | 'login_challenges'
  | 'audit_events'
  | 'webhook_deliveries';

/**
 * How an attempt to deliver to an endpoint ended. `postponed` is tried again. `refused` (the target is not allowed) is
 * tried again, unless it was the last attempt. `exhausted` was the last attempt, or the endpoint is gone.
 */
export type WebhookOutcome = 'delivered' | 'postponed' | 'refused' | 'exhausted';

/**
 * Receives the measurements of the service's work. No method blocks or throws. Never pass a token, an address or an id:
 * the number of distinct values must stay bounded, whatever clients send.
 */
export interface Telemetry {
  /** A login succeeded (null) or failed with a fault. */
  loginEnded(fault: Fault | null): void;
  registrationEnded(fault: Fault | null): void;

  /** A refresh was answered with the next pair. */
  rotated(): void;
  /** A refresh was answered with the next pair by healing: the database had lost acknowledged rotations. */
  healed(): void;
  /** A retry got the same pair again, `age` milliseconds after the rotation. */
  reissued(age: number): void;
  /** A refresh was refused. */
  refreshRefused(fault: Fault): void;
  /**
   * A family was revoked for reuse, `age` milliseconds after its last rotation. That rotation may be later than the
   * rotation of the reused token.
   */
  reuseDetected(age: number): void;

  /** A DPoP proof was missing or not accepted. */
  dpopRefused(fault: DpopFault): void;
  /** A DPoP proof was accepted although the store of used proofs that all replicas share was unavailable. */
  dpopUnshared(): void;

  /** An action was refused by its limit: see {@link Attempts}. */
  limitReached(action: string): void;
  /** Breached passwords could not be searched, so a new password passed. */
  breachSearchFailed(): void;
  deliveryEnded(kind: DeliveryKind, outcome: OutboxOutcome): void;
  /** An attempt to deliver to an endpoint ended, after some milliseconds. */
  webhookAttempted(format: DeliveryFormat, outcome: WebhookOutcome, milliseconds: number): void;
  /** The service disabled an endpoint because it was gone or dead. */
  webhookDisabled(because: DisabledReason): void;
  /** A batch of old rows could not be removed. */
  removalFailed(removal: Removal): void;
}

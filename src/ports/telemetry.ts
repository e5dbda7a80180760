import type { RefusalCode } from '../domain/refusal.ts';
import type { DeliveryKind } from './stores/outbox.ts';

/** Why something did not come about: a refusal, or a fault of ours. */
export type Fault = RefusalCode | 'internal_error';

/**
 * How an attempt to deliver an outbox entry ended. Of mails: `buried` is given up for good, `unaddressed` had nobody
 * to go to. Of events: `unroutable` ones wait for somebody who wants them, `unwanted` ones have waited long enough,
 * and `logged` is all there is where there is no broker.
 */
export type DeliveryOutcome =
  | 'sent'
  | 'postponed'
  | 'buried'
  | 'unaddressed'
  | 'held'
  | 'routed'
  | 'unroutable'
  | 'unwanted'
  | 'failed'
  | 'logged';

/** What a background task removes when it is old. */
export type Removal = 'mails' | 'events' | 'links' | 'sessions' | 'mail_budgets';

/**
 * What the service tells of its work, for whoever counts it. Nothing is waited for, and no method throws. Never a
 * token, an address or an id: what is told must stay of a bounded number of kinds, whatever strangers send.
 */
export interface Telemetry {
  /** A login succeeded, or, with its fault, did not. */
  loggedIn(fault: Fault | null): void;
  registered(fault: Fault | null): void;

  /** A refresh was answered with the next pair. */
  rotated(): void;
  /** The same, for a token that is ahead of the database, which has lost what it acknowledged. */
  healed(): void;
  /** A token that was rotated before got the same pair again, `age` milliseconds after its rotation. */
  repeated(age: number): void;
  /** A refresh was answered with no pair. */
  refreshRefused(fault: Fault): void;
  /**
   * A family was ended because a token came back that had been rotated, `age` milliseconds after the family's last
   * rotation: that was the token's own, or a later one.
   */
  reuseDetected(age: number): void;

  /** A deed was refused because there were too many of its kind: see {@link Attempts}. */
  limited(deed: string): void;
  delivered(kind: DeliveryKind, outcome: DeliveryOutcome): void;
  /** A batch of old rows could not be removed. */
  removalFailed(removal: Removal): void;
}

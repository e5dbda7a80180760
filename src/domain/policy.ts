import type { DpopMode } from './dpop.ts';
import { DAY } from './durations.ts';

/** How a session reacts to a change of the client's network or product. */
export type ChangePolicy = 'notify' | 'block' | 'ignore';

/** The operator's settings for all sessions. All times in milliseconds. */
export interface Policy {
  readonly accessTokenAge: number;
  readonly refreshTokenAge: number;
  /** The lifetime of a session from its login. A refresh does not extend it. */
  readonly sessionMaxAge: number;
  /** The lifetime of a session whose user does not want to be remembered; `sessionMaxAge` if that is shorter. */
  readonly sessionShortAge: number;
  /** How long after an authentication its session may make a sensitive change. */
  readonly stepUpMaxAge: number;
  /** The maximum number of live sessions of one user. A login beyond it ends the least recently refreshed session. */
  readonly sessionsPerUser: number;
  /** How long after a rotation the same client may retry without an `Idempotency-Key`; 0: never. */
  readonly retryWindow: number;
  /** The maximum difference between the clocks of two replicas. */
  readonly clockSkew: number;
  readonly onAddressChange: ChangePolicy;
  readonly onUserAgentChange: ChangePolicy;
  readonly onNewDevice: NewDevicePolicy;
  /** Whether logins bind sessions to a key. */
  readonly dpop: DpopMode;
}

/** How long a pair of network and product is known after its last use, in milliseconds. */
export const DEVICE_KNOWN_FOR = 90 * DAY;

/** Whether the user gets a mail about a session from an unknown pair of network and product. */
export type NewDevicePolicy = 'notify' | 'ignore';

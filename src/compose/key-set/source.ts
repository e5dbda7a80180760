import type { KeySet } from '../../adapters/jose/key-set.ts';
import type { Logger } from '../../adapters/telemetry/log.ts';
import type { Config } from '../../config.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SigningKeys } from '../../ports/stores/signing-keys.ts';

export type KeySetOptions = Pick<Config, 'keySet' | 'policy'>;

export interface KeySetDeps {
  /** The store, loaded when it is asked for. */
  readonly signingKeys: () => Promise<SigningKeys>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A set, and what brings it up to date. */
export interface KeySource {
  readonly set: KeySet;
  /** Milliseconds after which it wants to be seen to again. */
  readonly poll: number;
  /** Fills the set; rejects with a {@link ConfigurationError} where a key in it cannot be used. */
  start(): Promise<void>;
  /** Sees to it once more; a key that cannot be used is logged. */
  maintain(): Promise<void>;
}

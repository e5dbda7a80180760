import type { AttemptPolicy } from './attempts.ts';
import type { Limit } from './rate-limit.ts';

/** The limits of password attempts, registrations, reset mails and streams. */
export interface Limits {
  readonly attempts: AttemptPolicy;
  /** Password attempts for one identifier from one network, successful ones included, because each computes a hash. */
  readonly logins: Limit;
  /** The same from one network, over all identifiers. */
  readonly loginsOfNetwork: Limit;
  /** New accounts from one network. */
  readonly registrations: Limit;
  /** Password-reset mails to one address. */
  readonly resetMails: Limit;
  /** Open streams of revocations of one replica. */
  readonly revocationConsumers: number;
}

import type { AttemptPolicy } from './attempts.ts';
import type { Limit } from './rate-limit.ts';

/** The limits of password attempts, registrations, reset mails and consumers of revocations. */
export interface Limits {
  readonly attempts: AttemptPolicy;
  /** Password attempts for one identifier from one network, successful ones included, because each computes a hash. */
  readonly logins: Limit;
  /** The same from one network, over all identifiers, together with the logins by a passkey. */
  readonly loginsOfNetwork: Limit;
  /** New accounts from one network. */
  readonly registrations: Limit;
  /** Password-reset mails to one address. */
  readonly resetMails: Limit;
  /** The maximum number of clients that follow the revocations of one process at the same time. */
  readonly revocationConsumers: number;
}

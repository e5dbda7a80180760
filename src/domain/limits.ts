import type { AttemptPolicy, Limit } from './attempts.ts';

/** What the operator lets strangers do where credentials are asked for or given. */
export interface Limits {
  readonly attempts: AttemptPolicy;
  /** Attempts to show a password by one identifier from one network, right ones included: each costs a hash. */
  readonly logins: Limit;
  /** The same from one network, over all identifiers. */
  readonly loginsOfNetwork: Limit;
  /** New accounts from one network. */
  readonly registrations: Limit;
  /** Mails with a link to a new password, to one account. */
  readonly resetMails: Limit;
}

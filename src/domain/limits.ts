import type { AttemptPolicy, Limit } from './attempts.ts';

/** What the operator lets strangers do where credentials are asked for or given. */
export interface Limits {
  readonly attempts: AttemptPolicy;
  /** New accounts from one network. */
  readonly registrations: Limit;
  /** Mails with a link to a new password, to one account. */
  readonly resetMails: Limit;
}

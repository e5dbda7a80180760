/** The events of the security log. The set is closed: operators search by these names. */
export type SecurityEvent =
  | 'login_failed'
  | 'operator_acted'
  | 'operator_refused'
  | 'password_confirmation_failed'
  | 'limit_reached'
  | 'service_key_refused'
  | 'password_changed'
  | 'password_reset'
  | 'account_deleted'
  | 'email_verified'
  | 'email_change_requested'
  | 'email_changed'
  | 'email_change_undone'
  | 'session_stepped_up'
  | 'factor_added'
  | 'factor_removed'
  | 'proof_refused'
  | 'second_factor_missing'
  | 'disabled_user_refused'
  | 'user_created'
  | 'user_changed'
  | 'user_disabled'
  | 'user_enabled'
  | 'user_roles_changed'
  | 'user_deleted'
  | 'user_claims_changed'
  | 'session_changed'
  | 'session_ended'
  | 'sessions_ended'
  | 'signing_key_announced'
  | 'signing_key_removed'
  | 'signing_key_retired';

export interface SecurityFacts {
  /** The id of the user, where it is known. */
  readonly userId?: string | undefined;
  /** The name or address that was typed. Only a keyed hash of it is written. */
  readonly identifier?: string;
  readonly sessionId?: string;
  /** Who made an administrative change: a service key, an operator or a command, by name. */
  readonly actor?: string;
  /** The client's address. */
  readonly address?: string | undefined;
  /** Why a session ended, why an operator acted, or what an operator lacks. */
  readonly reason?: string;
  /** The number of sessions that ended. */
  readonly count?: number;
  /** The kind of the second factor. */
  readonly kind?: string;
  /** The name of the limit that was reached. */
  readonly limit?: string;
}

/** Writes one line for each event, so that attacks can be investigated. Never throws. No fact is a secret. */
export type SecurityLog = (event: SecurityEvent, facts: SecurityFacts) => void;

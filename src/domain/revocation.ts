/** Why a session ended before its time. */
export type RevocationReason =
  | 'reuse'
  | 'user_agent_changed'
  | 'logout'
  | 'password_changed'
  | 'account_deleted'
  | 'administrator'
  | 'not_me'
  /** The user was disabled. */
  | 'disabled'
  /** The user exceeded the limit of sessions. */
  | 'session_limit';

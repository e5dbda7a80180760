/** Why a session ended before its time. */
export type RevocationReason = 'reuse' | 'user_agent_changed' | 'logout';

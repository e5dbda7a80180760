import type { DomainEvent } from './events.ts';
import type { RevocationReason } from './revocation.ts';
import type { ProofKind } from './second-factor.ts';

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';

/** The event types of CAEP 1.0 that this service sends. */
export const SESSION_REVOKED = `${CAEP}/session-revoked`;
export const CREDENTIAL_CHANGE = `${CAEP}/credential-change`;
export const ASSURANCE_LEVEL_CHANGE = `${CAEP}/assurance-level-change`;

/** The types of events that become each event type of CAEP. */
export const EVENT_TYPES_OF_CAEP = {
  [SESSION_REVOKED]: ['sessions.revoked', 'sessions.reuse_detected'],
  [CREDENTIAL_CHANGE]: ['users.password_changed', 'users.factor_added', 'users.factor_removed'],
  [ASSURANCE_LEVEL_CHANGE]: ['sessions.stepped_up'],
} as const satisfies Readonly<Record<string, readonly DomainEvent['type'][]>>;

/** An event in the terms of CAEP: its type, its own members, and the session that it is about, if any. */
export interface CaepEvent {
  readonly uri: string;
  readonly sessionId: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Null: CAEP has no such event. */
export function toCaepEvent(event: DomainEvent): CaepEvent | null {
  switch (event.type) {
    case 'sessions.revoked': {
      const { sessionId, reason } = event.data;
      return ofSession(SESSION_REVOKED, sessionId, {
        ...initiatorOf(reason),
        reason_admin: { en: REASONS[reason] },
      });
    }
    case 'sessions.reuse_detected':
      return ofSession(SESSION_REVOKED, event.data.sessionId, {
        initiating_entity: 'policy',
        reason_admin: { en: REASONS.reuse },
      });
    case 'sessions.stepped_up':
      return ofSession(ASSURANCE_LEVEL_CHANGE, event.data.sessionId, {
        namespace: 'NIST-AAL',
        current_level: `nist-${event.data.acr}`,
        initiating_entity: 'user',
      });
    case 'users.password_changed':
      return credentialChange({ credential_type: 'password', change_type: 'update' });
    case 'users.factor_added':
      return credentialChange({ credential_type: CREDENTIAL_TYPES[event.data.kind], change_type: 'create' });
    case 'users.factor_removed':
      return credentialChange(
        { credential_type: CREDENTIAL_TYPES[event.data.kind], change_type: 'delete' },
        'byOperator' in event.data ? 'admin' : 'user',
      );
    default:
      return null;
  }
}

/** Why a session ended, for administrators. */
const REASONS: Readonly<Record<RevocationReason, string>> = {
  reuse: 'A refresh token that was already used was presented again.',
  user_agent_changed: 'The session was used by another browser or app.',
  logout: 'The user logged out.',
  password_changed: 'The password was changed.',
  account_deleted: 'The account was deleted.',
  administrator: 'An administrator ended the session.',
  disabled: 'An administrator disabled the user.',
  not_me: 'The user did not recognize the session.',
  session_limit: 'The user opened more sessions than allowed.',
};

const CREDENTIAL_TYPES: Readonly<Record<ProofKind, string>> = {
  totp: 'app',
  // CAEP distinguishes platform and roaming authenticators. This service does not know of which kind a passkey is.
  passkey: 'fido2-roaming',
  recovery_code: 'pin',
};

/** Empty for a deleted account: the event does not say whether the user or an operator deleted the account. */
function initiatorOf(reason: RevocationReason): {
  readonly initiating_entity?: 'admin' | 'user' | 'policy';
} {
  switch (reason) {
    case 'account_deleted':
      return {};
    case 'administrator':
    case 'disabled':
      return { initiating_entity: 'admin' };
    case 'reuse':
    case 'user_agent_changed':
    case 'session_limit':
      return { initiating_entity: 'policy' };
    default:
      return { initiating_entity: 'user' };
  }
}

function ofSession(uri: string, sessionId: string, payload: CaepEvent['payload']): CaepEvent {
  return { uri, sessionId, payload };
}

function credentialChange(payload: CaepEvent['payload'], initiator: 'admin' | 'user' = 'user'): CaepEvent {
  return { uri: CREDENTIAL_CHANGE, sessionId: null, payload: { ...payload, initiating_entity: initiator } };
}

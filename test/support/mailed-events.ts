import { describeDevice } from '../../src/adapters/http/server/describe-user-agent.ts';
import type { MailContext } from '../../src/app/delivery/mails/facts.ts';
import type { DomainEvent } from '../../src/domain/events.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
export const SESSION = { sessionId: '11111111-2222-4333-8444-555555555555', userId: 'user-1' };
export const CLIENT = {
  address: '198.51.100.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
};
export const CONTEXT: MailContext = {
  serviceName: 'Bank of Ann',
  accountName: 'ann',
  isKeptHere: true,
  link: null,
  describeDevice: describeDevice,
};

/** Each type of event that causes a mail, once for each form of its mail, and some events that cause none. */
export function mailedEvents(client = CLIENT): DomainEvent[] {
  const seen = { ...SESSION, ...client };
  const at = <Type extends string, Data>(type: Type, data: Data) => ({ type, occurredAt: AT, data });
  return [
    at('sessions.reuse_detected', { ...seen, generation: 1, currentGeneration: 3 }),
    at('sessions.address_changed', { ...seen, previousAddress: '203.0.113.1', blocked: false }),
    at('sessions.address_changed', { ...seen, previousAddress: '203.0.113.1', blocked: true }),
    at('sessions.user_agent_changed', { ...seen, previousUserAgent: 'curl/8.5' }),
    at('sessions.dpop_refused', { ...seen, reason: 'missing' as const }),
    at('sessions.revoked', { ...seen, reason: 'user_agent_changed' as const }),
    at('sessions.revoked', { ...SESSION, reason: 'user_agent_changed' as const }),
    at('sessions.revoked', { ...SESSION, reason: 'logout' as const }),
    at('sessions.revoked', { ...seen, reason: 'reuse' as const }),
    at('users.password_changed', { userId: SESSION.userId, ...client }),
    at('users.factor_added', {
      userId: SESSION.userId,
      kind: 'totp' as const,
      factorId: SESSION.sessionId,
      ...client,
    }),
    at('users.factor_added', { userId: SESSION.userId, kind: 'recovery_code' as const, ...client }),
    at('users.factor_removed', {
      userId: SESSION.userId,
      kind: 'totp' as const,
      factorId: SESSION.sessionId,
      ...client,
    }),
    at('users.factor_removed', {
      userId: SESSION.userId,
      kind: 'passkey' as const,
      factorId: SESSION.sessionId,
      byOperator: true as const,
    }),
    at('users.password_forgotten', { userId: SESSION.userId, ...client, resetId: 'r' }),
    at('users.invited', { userId: SESSION.userId, byOperator: true as const, resetId: 'r' }),
    at('users.email_verification_requested', { userId: SESSION.userId, ...client, linkId: 'l', email: 'e' }),
    at('users.email_verification_requested', {
      ...{ userId: SESSION.userId, byOperator: true as const },
      ...{ linkId: 'l', email: 'e' },
    }),
    at('users.password_changed', { userId: SESSION.userId, ...client, emailVerified: true as const }),
    at('users.email_change_requested', { userId: SESSION.userId, ...client, linkId: 'l', email: 'e' }),
    at('users.email_change_announced', {
      ...{ userId: SESSION.userId, ...client },
      ...{ linkId: 'l', email: 'e', newEmail: 'new@example.org' },
    }),
    at('users.email_change_announced', { userId: SESSION.userId, ...client, email: 'e' }),
    at('users.email_replaced', { userId: SESSION.userId, byOperator: true as const, email: 'e' }),
    at('users.email_changed', { userId: SESSION.userId, ...client, undone: false }),
    at('users.email_verified', { userId: SESSION.userId, ...client }),
    at('sessions.started_on_new_device', seen),
    at('sessions.started', seen),
    at('sessions.stepped_up', { ...seen, amr: ['pwd' as const], acr: 'aal1' as const }),
    at('sessions.healed', { ...seen, storedGeneration: 1, presentedGeneration: 2 }),
  ];
}

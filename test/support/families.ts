import { randomBytes, randomUUID } from 'node:crypto';
import { type AuditType, SYSTEM } from '../../src/domain/audit.ts';
import type { Occurrence } from '../../src/domain/events.ts';
import type { CurrentPair, TokenFamily } from '../../src/domain/token-family.ts';
import type { AuditEntry } from '../../src/ports/stores/audit-log.ts';
import type { OutboxEntry } from '../../src/ports/stores/outbox.ts';
import type { ExpectedFamily } from '../../src/ports/stores/token-families.ts';

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const HOUR = 3_600_000;

export const hash = () => randomBytes(32).toString('base64url');

/** An entry for the audit log that is about no user and no session, by the service itself. */
export function someAuditEntry(type: AuditType, values: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: randomUUID(),
    kind: 'audit',
    type,
    occurredAt: NOW,
    userId: null,
    sessionId: null,
    origin: SYSTEM,
    data: {},
    ...values,
  };
}

export function somePair(values: Partial<CurrentPair> = {}): CurrentPair {
  return {
    generation: 0,
    hashedRefreshTokenId: hash(),
    hashedPreviousTokenId: null,
    retryKeyHash: null,
    scheme: 'hmac-sha512.key1',
    seed: Buffer.from(randomBytes(16)),
    accessKeyId: 'a1',
    refreshKeyId: 'r1',
    accessExpiresAt: NOW + HOUR,
    refreshExpiresAt: NOW + 24 * HOUR,
    address: '203.0.113.1',
    userAgent: 'test/1',
    productHash: null,
    rotatedAt: NOW,
    ...values,
  };
}

export function someFamily(values: Partial<TokenFamily> = {}): TokenFamily {
  return {
    tokenFamily: randomUUID(),
    userId: randomUUID(),
    paired: true,
    door: 'canonical',
    clientId: 'kinship',
    confidential: false,
    remembered: true,
    jkt: null,
    contact: 'ann@example.com',
    onAddressChange: 'notify',
    onUserAgentChange: 'ignore',
    loginAddress: '203.0.113.1',
    knownSinceLogin: ['203.0.113.1', 'agent test'],
    createdAt: NOW,
    authentication: { authTime: NOW - 1_000, amr: ['pwd', 'otp'], acr: 'aal2', generation: 0 },
    deviceName: null,
    sessionClaims: {},
    claims: {},
    nextClaims: null,
    expiresAt: NOW + 1000 * HOUR,
    revoked: null,
    ...somePair(),
    ...values,
  };
}

/** A rotation of the family to its next generation, with a new pair. */
export function rotationOf(family: TokenFamily, values: Partial<CurrentPair> = {}) {
  const expected: ExpectedFamily = family;
  const next = somePair({
    generation: family.generation + 1,
    hashedPreviousTokenId: family.hashedRefreshTokenId,
    rotatedAt: family.rotatedAt + 1000,
    ...values,
  });
  return { expected, next, unlessRetryKey: next.retryKeyHash };
}

export function entry(
  family: TokenFamily,
  values: Partial<Pick<OutboxEntry, 'kind' | 'oncePerDay'>> & { at?: number } = {},
): OutboxEntry {
  const { at = NOW, ...rest } = values;
  const { tokenFamily: sessionId, userId } = family;
  const event: Occurrence['event'] = {
    type: 'sessions.address_changed',
    occurredAt: at,
    data: {
      sessionId,
      userId,
      address: '198.51.100.7',
      userAgent: 'test/1',
      previousAddress: '203.0.113.1',
      blocked: false,
    },
  };
  return { id: randomUUID(), kind: 'event', event, ...rest };
}

import { randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import t, { type Test } from 'tap';
import { createEventTokens } from '../../src/adapters/jose/event-tokens.ts';
import { securityEventTokenFormat } from '../../src/app/webhooks/formats/security-event-token.ts';
import type { RevocationReason } from '../../src/domain/revocation.ts';
import { someEndpoint } from '../ports/webhooks.ts';
import { NOW } from '../support/families.ts';
import { someKeySet } from '../support/key-set.ts';
import { ALLOWED_VALUES, REQUIRED_MEMBERS, SIGNAL_EXAMPLES } from '../support/signal-examples.ts';

const [userId, sessionId] = [randomUUID(), randomUUID()];
type Data = Readonly<Record<string, unknown>>;

const REASONS: Readonly<Record<RevocationReason, true>> = {
  reuse: true,
  user_agent_changed: true,
  logout: true,
  password_changed: true,
  account_deleted: true,
  administrator: true,
  not_me: true,
  disabled: true,
  session_limit: true,
};

/** Every event that a stream can carry, by the last part of its URI. */
const EVENTS: Readonly<Record<keyof typeof SIGNAL_EXAMPLES, readonly (readonly [string, Data])[]>> = {
  'session-revoked': [
    ...Object.keys(REASONS).map((reason) => ['sessions.revoked', { userId, sessionId, reason }] as const),
    ['sessions.reuse_detected', { userId, sessionId }],
  ],
  'credential-change': [
    ['users.password_changed', { userId }],
    ...['totp', 'passkey', 'recovery_code'].flatMap((kind) => [
      ['users.factor_added', { userId, kind }] as const,
      ['users.factor_removed', { userId, kind }] as const,
    ]),
  ],
  'assurance-level-change': ['aal1', 'aal2'].map(
    (acr) => ['sessions.stepped_up', { userId, sessionId, acr, amr: ['otp'] }] as const,
  ),
  verification: [
    ['streams.verification', { state: 'c3RhdGU' }],
    ['streams.verification', {}],
  ],
  'stream-updated': [
    ['streams.updated', { status: 'disabled', reason: 'An operator has disabled the stream.' }],
  ],
};

for (const [name, events] of Object.entries(EVENTS))
  t.test(`each token of ${name} has the form of the specification’s example`, async (t) => {
    const kind = name as keyof typeof SIGNAL_EXAMPLES;
    const { keySet } = await someKeySet('ES256');
    const format = securityEventTokenFormat(createEventTokens('https://auth.example.com', keySet));
    for (const [type, data] of events) {
      const event = { id: randomUUID(), type, occurredAt: NOW, data };
      const endpoint = someEndpoint({ audience: 'shop' });
      const request = await format({ event, endpoint, credentials: {}, trace: null, now: NOW });
      const claims = decodeJwt(request?.body ?? '');
      assertForm(t, claims, SIGNAL_EXAMPLES[kind], type);
      for (const member of Object.keys(SIGNAL_EXAMPLES[kind]))
        t.ok(member in claims, `${type} has ${member}`);
      const [payload = {}] = Object.values(claims.events as Record<string, Data>);
      for (const member of REQUIRED_MEMBERS[kind]) t.ok(member in payload, `${type} has ${member}`);
      for (const [member, value] of Object.entries(payload)) {
        const allowed = ALLOWED_VALUES[member];
        if (allowed !== undefined) t.ok(allowed.includes(String(value)), `${member} may be ${value}`);
      }
    }
  });

/** Asserts that every member of the token is in the example, with a value of the same kind. */
function assertForm(t: Test, found: unknown, example: unknown, path: string): void {
  if (typeof found !== 'object' || found === null) {
    t.equal(typeof found, typeof example, path);
    return;
  }
  for (const [member, value] of Object.entries(found)) {
    const wanted = (example as Record<string, unknown> | undefined)?.[member];
    t.ok(wanted !== undefined, `${path}.${member} is in the example`);
    assertForm(t, value, wanted, `${path}.${member}`);
  }
}

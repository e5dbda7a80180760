import { randomUUID } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import t from 'tap';
import { createEventTokens } from '../../src/adapters/jose/event-tokens.ts';
import { logoutTokenFormat } from '../../src/app/webhooks/formats/logout-token.ts';
import { securityEventTokenFormat } from '../../src/app/webhooks/formats/security-event-token.ts';
import { someEndpoint } from '../ports/webhooks.ts';
import { NOW } from '../support/families.ts';
import { someKeySet } from '../support/key-set.ts';

const ISSUER = 'https://auth.example.com';
const [userId, sessionId] = [randomUUID(), randomUUID()];

/** The formats with a key set, and the verification of a token as a receiver does it. */
async function createFormats() {
  const { keySet, publishedKeys } = await someKeySet('ES256');
  const tokens = createEventTokens(ISSUER, keySet);
  const keys = createLocalJWKSet({ keys: publishedKeys().map((key) => ({ ...key })) });
  const verify = async (token: string, typ: string) =>
    (await jwtVerify(token, keys, { issuer: ISSUER, audience: 'app', typ, currentDate: new Date(NOW) }))
      .payload;
  return { set: securityEventTokenFormat(tokens), logout: logoutTokenFormat(tokens), verify };
}

function outgoing(type: string, data: Readonly<Record<string, unknown>>) {
  const event = { id: randomUUID(), type, occurredAt: NOW - 5_000, data };
  return { event, endpoint: someEndpoint({ audience: 'app' }), credentials: {}, trace: null, now: NOW };
}

t.test(
  'a Security Event Token names one session of one user, and the published keys verify it',
  async (t) => {
    const { set, verify } = await createFormats();
    const ended = outgoing('sessions.revoked', { userId, sessionId, reason: 'administrator' });
    const request = await set(ended);
    t.equal(request?.headers['content-type'], 'application/secevent+jwt');
    const claims = await verify(request?.body ?? '', 'secevent+jwt');
    t.match(claims, {
      jti: ended.event.id,
      iat: Math.floor(NOW / 1000),
      sub_id: {
        format: 'complex',
        user: { format: 'iss_sub', iss: ISSUER, sub: userId },
        session: { format: 'opaque', id: sessionId },
      },
      events: {
        'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {
          initiating_entity: 'admin',
          event_timestamp: Math.floor((NOW - 5_000) / 1000),
        },
      },
    });
    t.notOk('sub' in claims || 'exp' in claims, 'SSF forbids these claims');
  },
);

t.test('the end of a session names its initiator, except for a deleted account', async (t) => {
  const { set, verify } = await createFormats();
  for (const [reason, initiator] of [
    ['logout', 'user'],
    ['disabled', 'admin'],
    ['session_limit', 'policy'],
    ['account_deleted', undefined],
  ] as const) {
    const request = await set(outgoing('sessions.revoked', { userId, sessionId, reason }));
    const { events } = await verify(request?.body ?? '', 'secevent+jwt');
    const [payload] = Object.values(events as Record<string, { initiating_entity?: string }>);
    t.equal(payload?.initiating_entity, initiator, reason);
  }
});

t.test('a step-up and a change of a factor become events of CAEP', async (t) => {
  const { set, verify } = await createFormats();
  const eventsOf = async (type: string, data: Readonly<Record<string, unknown>>) =>
    (await verify((await set(outgoing(type, data)))?.body ?? '', 'secevent+jwt')).events;
  t.match(await eventsOf('sessions.stepped_up', { userId, sessionId, acr: 'aal2', amr: ['otp'] }), {
    'https://schemas.openid.net/secevent/caep/event-type/assurance-level-change': {
      namespace: 'NIST-AAL',
      current_level: 'nist-aal2',
    },
  });
  t.match(await eventsOf('users.factor_added', { userId, kind: 'totp' }), {
    'https://schemas.openid.net/secevent/caep/event-type/credential-change': {
      credential_type: 'app',
      change_type: 'create',
    },
  });
  t.equal(await set(outgoing('sessions.started', { userId, sessionId })), null);
});

t.test('a relying party accepts a logout token', async (t) => {
  const { logout, verify } = await createFormats();
  const ended = outgoing('sessions.revoked', { userId, sessionId, reason: 'logout' });
  const request = await logout(ended);
  t.equal(request?.headers['content-type'], 'application/x-www-form-urlencoded');
  const token = new URLSearchParams(request?.body).get('logout_token') ?? '';
  const { events, ...claims } = await verify(token, 'logout+jwt');
  t.match(claims, { sub: userId, sid: sessionId, jti: ended.event.id, exp: Number });
  t.strictSame(events, { 'http://schemas.openid.net/event/backchannel-logout': {} });
  t.notOk('nonce' in claims);
});

t.test('without an asymmetric key no token is signed', async (t) => {
  const ring = { find: () => undefined, fetchUnknownKey: async () => undefined };
  const tokens = createEventTokens(ISSUER, { signs: false, ring });
  await t.rejects(logoutTokenFormat(tokens)(outgoing('sessions.revoked', { userId, sessionId })), {
    message: /ACCESS_TOKEN_ALG/,
  });
});

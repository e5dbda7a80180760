import type { Test } from 'tap';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { proofKey } from '../../support/dpop.ts';
import { type Changes, claimsOf, hmac, modifyToken, unsigned } from '../../support/forge.ts';
import { PASSWORD } from '../../support/passwords.ts';
import {
  assertUnchanged,
  databaseTest,
  familyOf,
  type Operation,
  outcomeOf,
  readOperations,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';
import { POLICY } from '../../support/sessions.ts';

const SKEW = POLICY.clockSkew / 1000;

/** Routes that need no credentials, always or by configuration. A new open route must be added here. */
const OPEN = [
  'GET /.well-known/jwks.json',
  'GET /.well-known/oauth-authorization-server',
  'GET /.well-known/ssf-configuration',
  'GET /api/auth/swagger/index.html',
  'GET /auth/email/change',
  'GET /auth/email/undo',
  'GET /auth/email/verify',
  'GET /auth/not-me',
  'GET /auth/password/reset',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /swagger/index.html',
  'GET /{guid}',
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/refresh',
  'POST /api/v1/login/',
  'POST /api/v1/refresh/',
  'POST /api/v1/register/',
  'POST /auth/email/change',
  'POST /auth/email/undo',
  'POST /auth/email/verification',
  'POST /auth/email/verify',
  'POST /auth/login',
  'POST /auth/login/passkey',
  'POST /auth/login/passkey/options',
  'POST /auth/login/second-factor',
  'POST /auth/logout',
  'POST /auth/not-me',
  'POST /auth/not-me/password',
  'POST /auth/password/forgot',
  'POST /auth/password/reset',
  'POST /auth/refresh',
  'POST /auth/register',
  'POST /auth/step-up',
  'POST /auth/step-up/options',
  'POST /oauth/revoke',
  'POST /oauth/token',
];

/** Bodies with which the request would have an effect if it were accepted. */
const BODIES: Readonly<Record<string, object>> = {
  'POST /auth/password': { currentPassword: PASSWORD, newPassword: 'a yellow piano 43' },
  'DELETE /auth/me': { password: PASSWORD },
};

databaseTest('every route is guarded or on the list of open routes', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const operations = await readOperations(service);
  const nameOf = ({ method, path }: Operation) => `${method} ${path}`;
  const open = operations.filter((operation) => operation.isOpen).map(nameOf);
  t.same(open.sort(), OPEN);
  // The OAuth routes refuse in the form of their protocol, which oauth.test.ts checks. A refresh by
  // cookies needs the cookies also where it takes a key.
  const byKey = operations.filter(
    ({ isOpen, security, path }) =>
      !isOpen &&
      security.includes('serviceKey') &&
      !security.includes('refreshCookie') &&
      !path.startsWith('/oauth/'),
  );
  t.ok(byKey.length >= 3, `${byKey.length} routes for service keys`);
  for (const name of byKey.map(nameOf)) {
    for (const key of [undefined, 'guess', service.loginKey]) {
      const answer = await assertUnchanged(
        t,
        sql,
        () => send(service, name, { 'x-api-key': key ?? '' }),
        name,
      );
      t.match(outcomeOf(answer), key === service.loginKey ? '403 forbidden' : '401 unauthenticated', name);
    }
  }
});

databaseTest('protected routes accept only a valid access token', async (t, sql) => {
  const { service, bad, good, bound } = await victim(t, sql);
  const operations = await readOperations(service);
  const routes = operations.filter(({ security }) => security.includes('bearer'));
  t.ok(routes.length >= 7, `${routes.length} routes`);
  for (const { method, path } of routes) {
    const route = `${method} ${path}`;
    for (const [name, token] of Object.entries(bad)) {
      // With a complete list of revocations the service checks the session in memory, otherwise in the database.
      for (const complete of [true, false]) {
        service.revoked.setComplete(complete);
        const ask = () => send(service, route, { authorization: `Bearer ${token}` }, familyOf(good));
        const answer = await assertUnchanged(t, sql, ask, `${route}, ${name}`);
        t.equal(outcomeOf(answer), '401 unauthenticated', `${route}, ${name}`);
      }
    }
    const unproven = { authorization: `DPoP ${bound.accessToken}` };
    const ask = () => send(service, route, unproven, familyOf(good));
    const answer = await assertUnchanged(t, sql, ask, `${route}, without a proof`);
    t.equal(outcomeOf(answer), '401 invalid_dpop_proof', `${route}, without a proof`);
  }
  const authorization = `Bearer ${good.accessToken}`;
  for (const header of [
    authorization.replace('Bearer', 'Basic'),
    good.accessToken,
    'Bearer',
    `${authorization} x`,
  ]) {
    t.equal(outcomeOf(await send(service, 'GET /auth/me', { authorization: header })), '401 unauthenticated');
  }
  t.equal(
    (await send(service, 'GET /auth/me', { authorization })).status,
    200,
    'the valid token is accepted',
  );
});

databaseTest('a token is accepted within the tolerated clock skew only', async (t, sql) => {
  const { service, good } = await victim(t, sql);
  const now = Math.floor(service.time.now / 1000);
  service.time.now = now * 1000;
  const me = async (changes: Changes) => {
    const token = modifyToken(good.accessToken, changes, service.sign.access);
    return outcomeOf(await send(service, 'GET /auth/me', { authorization: `Bearer ${token}` }));
  };
  for (const claim of ['iat', 'nbf']) {
    t.equal(await me({ claims: { [claim]: now + SKEW } }), '200', `${claim} within the leeway`);
    t.equal(await me({ claims: { [claim]: now + SKEW + 1 } }), '401 unauthenticated', `${claim} past it`);
  }
  t.equal(await me({ claims: { exp: now + 1 } }), '200');
  t.equal(await me({ claims: { exp: now } }), '401 unauthenticated', 'exp has no leeway');
});

/** A live session, and access tokens that are each invalid for another reason. */
async function victim(t: Test, sql: Sql) {
  const service = await serviceOnDatabase(t, sql);
  const account = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
  const userId = String((await service.post('/auth/register', account)).body.id);
  const good = await service.open({ userId });
  const [loggedOut, stolen, ended] = [
    await service.open({ userId }),
    await service.open({ userId }),
    await service.open({ userId }),
  ];
  const bound = await service.open({ userId, query: `&dpopJkt=${proofKey().jkt}` });
  await service.post('/auth/logout', { refreshToken: loggedOut.refreshToken });
  const successor = await service.next(stolen);
  await service.post('/auth/refresh', stolen);
  await send(service, `DELETE /admin/sessions/${familyOf(ended)}`, { 'x-api-key': service.adminKey });

  const now = Math.floor(service.time.now / 1000);
  const access = (changes: Changes, sign = service.sign.access) =>
    modifyToken(good.accessToken, changes, sign);
  const claim = (name: string, value: unknown) => access({ claims: { [name]: value } });
  const bad = {
    'of a session that was logged out': loggedOut.accessToken,
    'of a session that was stolen': stolen.accessToken,
    'the latest token of the session that was stolen': successor.accessToken,
    'of a session that an operator ended': ended.accessToken,
    'a refresh token': good.refreshToken,
    'a refresh token with the type of an access token': modifyToken(
      good.refreshToken,
      { header: { typ: 'at+jwt' } },
      service.sign.access,
    ),
    'typ of a plain JWT': access({ header: { typ: 'JWT' } }),
    'no typ': access({ header: { typ: undefined } }),
    'no signature': access({ header: { alg: 'none' } }, unsigned),
    'signed with an unknown key': access({}, hmac('evil')),
    'signed with the refresh key': access({}, service.sign.refresh),
    'expired this second': claim('exp', now),
    'without exp': claim('exp', undefined),
    'iat an hour in the future': claim('iat', now + 3600),
    'iat just past the leeway': claim('iat', now + SKEW + 2),
    'nbf an hour in the future': claim('nbf', now + 3600),
    'nbf just past the leeway': claim('nbf', now + SKEW + 2),
    'nbf as text': claim('nbf', 'tomorrow'),
    'another issuer': claim('iss', 'https://evil.example'),
    'another audience': claim('aud', ['kinship', 'evil']),
    'of a session that is bound to a key': bound.accessToken,
    'of two users': claim('userId', String(claimsOf((await service.open()).accessToken).sub)),
    'another pair': claim('linkerId', familyOf(good)),
    nonsense: 'x.y.z',
  };
  return { service, good, bad, bound };
}

type Service = Awaited<ReturnType<typeof serviceOnDatabase>>;

function send(service: Service, route: string, headers: Record<string, string>, id = '0') {
  const [method = '', path = ''] = route.split(' ');
  const body = BODIES[route];
  return service.send(path.replace(/\{\w+\}/, id), {
    method,
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
}

import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { CONFIDENTIAL_KEY, RESOURCE_KEY, SERVICE_KEY, startHttpService } from '../support/http.ts';
import { basic, postForm, refreshForm } from '../support/oauth.ts';

const HOUR = 3_600_000;

const RESOURCE = basic('resource', RESOURCE_KEY);

async function oauthService(t: Test, settings: Parameters<typeof startHttpService>[1] = {}) {
  const service = await startHttpService(t, settings);
  const form = (path: string, members: Record<string, string> | string, headers = {}) =>
    postForm(service, path, members, headers);
  return {
    ...service,
    form,
    logInUnpaired: (values = {}) => service.logIn({ paired: false, ...values }),
    exchange: (token: string, headers = {}) => form('/oauth/token', refreshForm(token), headers),
    introspect: (token: string, headers: Record<string, string> = RESOURCE) =>
      form('/oauth/introspect', { token }, headers),
  };
}

t.test('an unpaired session is refreshed by the OAuth grant', async (t) => {
  const { logInUnpaired, exchange } = await oauthService(t);
  const first = await logInUnpaired();
  const { status, headers, body } = await exchange(first.refresh);
  t.equal(status, 200);
  t.match(headers.get('content-type'), /^application\/json/);
  t.equal(headers.get('cache-control'), 'no-store');
  t.equal(headers.get('pragma'), 'no-cache');
  t.same(Object.keys(body).sort(), ['access_token', 'expires_in', 'refresh_token', 'token_type']);
  t.match(body, { token_type: 'Bearer', expires_in: 900 });
  t.equal(claimsOf(String(body.refresh_token)).generation, 1);
  t.equal(claimsOf(String(body.access_token)).sid, claimsOf(first.access).sid);
});

t.test('a retry under the same Idempotency-Key gets the same tokens', async (t) => {
  const { logInUnpaired, exchange } = await oauthService(t);
  const { refresh } = await logInUnpaired();
  const key = { 'idempotency-key': 'one' };
  const first = await exchange(refresh, key);
  t.same((await exchange(refresh, key)).body, first.body);
  const reused = await exchange(String(first.body.refresh_token), key);
  t.match(
    reused,
    { status: 400, body: { error: 'invalid_request' } },
    'the answer says nothing about the token',
  );
  t.match(await exchange(String(first.body.refresh_token)), { status: 200 });
});

t.test('requests that violate RFC 6749 are refused', async (t) => {
  const { logInUnpaired, form, post, send } = await oauthService(t);
  const { refresh } = await logInUnpaired();
  const good = new URLSearchParams(refreshForm(refresh)).toString();
  const cases: Record<string, [string, string]> = {
    'no grant_type': ['refresh_token=x', 'invalid_request'],
    'a blank grant_type': ['grant_type=&refresh_token=x', 'invalid_request'],
    'no token': ['grant_type=refresh_token', 'invalid_request'],
    'a blank token': ['grant_type=refresh_token&refresh_token=', 'invalid_request'],
    'nothing at all': ['', 'invalid_request'],
    'another grant': ['grant_type=password&username=a&password=b', 'unsupported_grant_type'],
    'a scope': [`${good}&scope=admin`, 'invalid_scope'],
    'a repeated parameter': [`${good}&grant_type=refresh_token`, 'invalid_request'],
    'a repeated unknown parameter': [`${good}&x=1&x=2`, 'invalid_request'],
    'a token that this service did not issue': ['grant_type=refresh_token&refresh_token=x', 'invalid_grant'],
  };
  for (const [name, [text, error]] of Object.entries(cases)) {
    const answer = await form('/oauth/token', text);
    t.match(answer, { status: 400, body: { error } }, name);
    t.match(answer.body.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/, name);
    t.equal(answer.headers.get('cache-control'), 'no-store', name);
    t.match(answer.headers.get('content-type'), /^application\/json/, name);
  }
  t.match(await post('/oauth/token', refreshForm(refresh)), {
    status: 415,
    body: { error: 'invalid_request' },
  });
  t.match(await send('/oauth/token', { method: 'POST' }), {
    status: 400,
    body: { error: 'invalid_request' },
  });
  t.match(await form('/oauth/token', `x=${'y'.repeat(9000)}`), { status: 413 });
  t.match(
    await form('/oauth/token', `${good}&unknown=1&scope=&client_id=kinship`),
    { status: 200 },
    'unknown and empty parameters are ignored',
  );
});

t.test('client authentication is optional, but wrong credentials are refused', async (t) => {
  const { logInUnpaired, exchange, form } = await oauthService(t);
  const { refresh } = await logInUnpaired({ clientId: 'backend' });
  const wrong: Record<string, Record<string, string>> = {
    'another secret': basic('backend', RESOURCE_KEY),
    'no secret': basic('backend', ''),
    'another name': basic('stranger', SERVICE_KEY),
    'no base64': { authorization: 'Basic ???' },
    'no colon': { authorization: `Basic ${Buffer.from(SERVICE_KEY).toString('base64')}` },
    'an invalid escape': { authorization: `Basic ${Buffer.from('%zz:%zz').toString('base64')}` },
    'another scheme': { authorization: `Bearer ${SERVICE_KEY}` },
  };
  for (const [name, headers] of Object.entries(wrong)) {
    const answer = await exchange(refresh, headers);
    t.match(answer, { status: 401, body: { error: 'invalid_client' } }, name);
    t.equal(answer.headers.get('www-authenticate'), 'Basic realm="kinship"', name);
  }
  for (const more of [{ client_secret: SERVICE_KEY }, { client_assertion: 'x' }]) {
    const answer = await form('/oauth/token', { ...refreshForm(refresh), ...more });
    t.match(answer, { status: 401, body: { error: 'invalid_client' } }, 'not in the body');
  }
  const another = await exchange(refresh, RESOURCE);
  t.match(another, { status: 400, body: { error: 'invalid_grant', error_description: /another client/ } });
  t.match(await exchange('x', RESOURCE), { status: 400, body: { error: 'invalid_grant' } });
  const own = await exchange(refresh, basic('backend', SERVICE_KEY));
  t.equal(own.status, 200);
  t.match(
    await exchange(String(own.body.refresh_token)),
    { status: 200 },
    'also without client authentication',
  );
});

t.test('a client_id that contradicts the authentication or the session is refused', async (t) => {
  const { logInUnpaired, form, introspect } = await oauthService(t);
  const { refresh, access } = await logInUnpaired({ clientId: 'backend' });
  const ask = (path: string, client_id: string, headers = {}) =>
    form(path, { ...refreshForm(refresh), token: refresh, client_id }, headers);
  for (const path of ['/oauth/token', '/oauth/revoke']) {
    const named = await ask(path, 'app');
    t.match(named, { status: 400, body: { error: 'invalid_grant' } }, `${path}: another client`);
    const mixed = await ask(path, 'app', basic('backend', SERVICE_KEY));
    t.match(mixed, { status: 401, body: { error: 'invalid_client' } }, `${path}: two clients`);
  }
  t.match((await introspect(access)).body, { active: true }, 'the session has not changed');
  t.match(await ask('/oauth/token', 'backend', basic('backend', SERVICE_KEY)), { status: 200 });
});

t.test('a confidential session requires its client’s authentication', async (t) => {
  const { logInUnpaired, exchange, form, introspect } = await oauthService(t);
  const WEB = basic('web', CONFIDENTIAL_KEY);
  const first = await logInUnpaired({ clientId: 'web', confidential: true });
  const next = (await exchange(first.refresh, WEB)).body;
  const refresh = String(next.refresh_token);
  const refused = { status: 401, body: { error: 'invalid_client' } };
  for (const token of [refresh, first.refresh, String(next.access_token)]) {
    t.match(await form('/oauth/revoke', { token }), refused, 'no revocation without the key');
    t.match(
      await form('/oauth/revoke', { token, client_id: 'web' }),
      refused,
      'and no revocation with the client_id alone',
    );
    t.match(await form('/oauth/revoke', { token }, basic('backend', SERVICE_KEY)), { status: 400 });
  }
  for (const token of [refresh, first.refresh]) {
    const answer = await exchange(token);
    t.match(answer, refused, 'without the key no tokens are issued, and reuse is not judged');
    t.equal(answer.headers.get('www-authenticate'), 'Basic realm="kinship"');
    t.match(await form('/oauth/token', { ...refreshForm(token), client_id: 'web' }), refused);
    t.match(await exchange(token, basic('backend', SERVICE_KEY)), { status: 400 });
  }
  t.match((await introspect(refresh)).body, { active: true, client_id: 'web' }, 'the session continues');
  t.equal((await exchange(refresh, WEB)).status, 200);
  t.match(await form('/oauth/revoke', { token: refresh }, WEB), { status: 200 });
  t.same((await introspect(String(next.access_token))).body, { active: false });
});

t.test('no door refreshes a confidential session without its key', async (t) => {
  const { post, send, url } = await oauthService(t);
  const key = { 'x-api-key': CONFIDENTIAL_KEY };
  const userId = randomUUID();
  const query = `/auth/login?userId=${userId}&binding=refresh`;
  const refresh = String((await post(query, undefined, key)).body.refresh);
  const doors: Record<string, (headers: Record<string, string>) => Promise<number>> = {
    canonical: async (headers) => (await post('/auth/refresh', { refreshToken: refresh }, headers)).status,
    'task-api': async (headers) => (await post('/api/v1/refresh/', { refresh }, headers)).status,
    'session-id': async (headers) => {
      const session_id = claimsOf(refresh).tokenFamily;
      const refresh_token = Buffer.from(refresh).toString('base64');
      return (await post('/api/v1/auth/refresh', { session_id, refresh_token }, headers)).status;
    },
    logout: async (headers) => (await post('/auth/logout', { refreshToken: refresh }, headers)).status,
    'cookie-pair': async (headers) => {
      const login = await fetch(`${url}/${userId}`, { headers: key });
      const cookie = login.headers.getSetCookie().map((line) => line.split(';')[0]);
      return (await fetch(`${url}/refresh`, { headers: { cookie: cookie.join('; '), ...headers } })).status;
    },
  };
  for (const [name, ask] of Object.entries(doors)) {
    t.equal(await ask({}), 401, name);
    t.equal(await ask({ 'x-api-key': SERVICE_KEY }), 401, `${name}: another key`);
  }
  const detail = { status: 401, body: { code: 'unauthenticated', detail: /confidential/ } };
  t.match(await post('/auth/refresh', { refreshToken: refresh }), detail);
  t.equal(await doors['cookie-pair']?.(key), 200);
  t.equal(await doors.canonical?.(key), 200);
  const second = String((await post(query, undefined, key)).body.refresh);
  t.equal((await post('/auth/logout', { refreshToken: second }, key)).status, 204);
  const third = (await post(query, undefined, key)).body;
  const bearer = { method: 'POST', headers: { authorization: `Bearer ${third.access}` } };
  t.equal(
    (await send('/auth/logout', bearer)).status,
    204,
    'the user can end the session with the access token',
  );
});

t.test('introspection reports the end of the session if it is earlier than exp', async (t) => {
  const { logIn, introspect, time } = await oauthService(t, { policy: { sessionMaxAge: 60_000 } });
  const pair = await logIn();
  const end = Math.floor((time.now + 60_000) / 1000);
  t.equal((await introspect(pair.access)).body.exp, end);
  t.equal((await introspect(pair.refresh)).body.exp, end);
});

t.test(
  'either token of a pair can revoke its session, and the revocation of an invalid token succeeds',
  async (t) => {
    const { logInUnpaired, logIn, form, exchange, introspect, time, families } = await oauthService(t);
    for (const half of ['refresh', 'access'] as const) {
      for (const open of [logIn, logInUnpaired]) {
        const pair = await open({});
        const { status, headers, body } = await form('/oauth/revoke', { token: pair[half] });
        t.same({ status, body }, { status: 200, body: {} }, half);
        t.equal(headers.get('cache-control'), 'no-store');
        t.same((await introspect(pair.access)).body, { active: false }, `${half}: the session is over`);
        t.match(await form('/oauth/revoke', { token: pair[half] }), { status: 200 }, 'again');
      }
    }
    const rotated = await logInUnpaired();
    const { body } = await exchange(rotated.refresh);
    await form('/oauth/revoke', { token: rotated.refresh, token_type_hint: 'access_token' });
    t.match(await exchange(String(body.refresh_token)), { status: 400, body: { error: 'invalid_grant' } });
    const idle = await logInUnpaired();
    time.now += 31 * 24 * HOUR;
    t.match(await form('/oauth/revoke', { token: idle.refresh }), { status: 200 }, 'past its exp');
    t.match(await families.find(String(claimsOf(idle.access).sid)), { revoked: { reason: 'logout' } });
    const late = await logInUnpaired();
    time.now += HOUR;
    t.match(await form('/oauth/revoke', { token: late.access }), { status: 200 });
    t.match(
      (await introspect(late.refresh)).body,
      { active: true },
      'an access token past its exp ends nothing',
    );
    t.match(await form('/oauth/revoke', { token: 'nothing of ours' }), { status: 200 });
    t.match(await form('/oauth/revoke', {}), { status: 400, body: { error: 'invalid_request' } });
  },
);

t.test('the refresh token of a disabled user is an invalid grant, so that clients discard it', async (t) => {
  const { logInUnpaired, exchange, send, adminKey } = await oauthService(t);
  const { refresh, access } = await logInUnpaired();
  const disabled = `/admin/users/${claimsOf(access).sub}/disabled`;
  await send(disabled, { method: 'PUT', headers: { 'x-api-key': adminKey } });
  t.match(await exchange(refresh), { status: 400, body: { error: 'invalid_grant' } });
});

t.test('an authenticated client ends only its own sessions', async (t) => {
  const { logIn, form, introspect } = await oauthService(t);
  const { refresh, access } = await logIn({ clientId: 'backend' });
  const answer = await form('/oauth/revoke', { token: refresh }, RESOURCE);
  t.match(answer, { status: 400, body: { error: 'invalid_grant' } });
  t.match(await form('/oauth/revoke', { token: refresh }, basic('backend', 'x')), { status: 401 });
  t.match((await introspect(access)).body, { active: true });
  t.match(await form('/oauth/revoke', { token: refresh }, basic('backend', SERVICE_KEY)), { status: 200 });
  t.same((await introspect(access)).body, { active: false });
});

t.test('introspection describes a valid token', async (t) => {
  const { logIn, introspect, time, end, exchange, logInUnpaired } = await oauthService(t);
  const userId = randomUUID();
  const pair = await logIn({ userId, clientId: 'backend' });
  const claims = claimsOf(pair.access);
  const described = {
    active: true,
    sub: userId,
    sid: claims.sid,
    client_id: 'backend',
    iss: 'kinship',
    aud: 'kinship',
    auth_time: claims.iat,
  };
  const { iat, exp, jti } = claims;
  t.same((await introspect(pair.access)).body, { ...described, token_type: 'Bearer', iat, exp, jti });
  const ofRefresh = (await introspect(pair.refresh)).body;
  t.same(
    ofRefresh,
    { ...described, iat, exp: claimsOf(pair.refresh).exp },
    'a refresh token has neither token_type nor jti in the answer',
  );
  const answer = await introspect(pair.refresh, { 'x-api-key': RESOURCE_KEY });
  t.equal(answer.headers.get('cache-control'), 'no-store');
  t.same(answer.body, ofRefresh, 'by x-api-key too');

  time.now += HOUR;
  t.same((await introspect(pair.access)).body, { active: false }, 'past its exp');
  t.match((await introspect(pair.refresh)).body, { active: true }, 'the refresh token expires later');
  await end(String(claims.sid), userId, 'logout');
  t.same((await introspect(pair.refresh)).body, { active: false }, 'the session has ended');

  const unpaired = await logInUnpaired();
  const next = (await exchange(unpaired.refresh)).body;
  t.same((await introspect(unpaired.refresh)).body, { active: false }, 'rotated');
  t.match(
    (await introspect(String(next.refresh_token))).body,
    { active: true },
    'introspection of the rotated token ended nothing',
  );
  time.now += 31 * 24 * HOUR;
  t.same((await introspect(String(next.refresh_token))).body, { active: false }, 'past its exp');
  t.same((await introspect('nothing of ours')).body, { active: false });
});

t.test('introspection contains the user name if the user has an account', async (t) => {
  const { post, introspect } = await oauthService(t);
  const account = { username: 'ann', email: 'ann@example.com', password: 'a long enough passphrase' };
  t.equal((await post('/auth/register', account)).status, 201);
  const { body } = await post('/auth/login', { username: 'ann', password: account.password });
  t.match((await introspect(String(body.access))).body, {
    active: true,
    username: 'ann',
    client_id: 'kinship',
  });
});

t.test('introspection contains no unverified address', async (t) => {
  const { post, introspect } = await oauthService(t);
  const account = {
    username: 'ann@example.com',
    email: 'ann@example.com',
    password: 'a long enough passphrase',
  };
  t.equal((await post('/auth/register', account)).status, 201);
  const { body } = await post('/auth/login', { username: account.username, password: account.password });
  const introspected = (await introspect(String(body.access))).body;
  t.equal(introspected.active, true);
  t.notOk('username' in introspected);
});

t.test('introspection requires a service key with scope introspect', async (t) => {
  const { logIn, introspect } = await oauthService(t);
  const { access } = await logIn();
  t.match(await introspect(access, {}), { status: 401, body: { error: 'invalid_client' } });
  t.match(await introspect(access, { 'x-api-key': 'x' }), { status: 401, body: { error: 'invalid_client' } });
  t.match(await introspect(access, { 'x-api-key': RESOURCE_KEY, ...basic('resource', 'x') }), {
    status: 401,
  });
  const other = await introspect(access, basic('backend', SERVICE_KEY));
  t.match(other, { status: 403, body: { error: 'unauthorized_client' } });
  const raw = Buffer.from(`resource:${RESOURCE_KEY}`).toString('base64');
  t.match(
    await introspect(access, { authorization: `Basic ${raw}` }),
    { status: 200 },
    'without form encoding',
  );
});

t.test('the metadata is served only if the issuer is PUBLIC_URL', async (t) => {
  const publicUrl = 'https://auth.example.com';
  const path = '/.well-known/oauth-authorization-server';
  const { send } = await oauthService(t, { http: { publicUrl, issuer: publicUrl } });
  const { body, headers } = await send(path);
  t.match(body, { issuer: publicUrl, token_endpoint: `${publicUrl}/oauth/token` });
  t.same(body.grant_types_supported, ['refresh_token']);
  t.same(body.acr_values_supported, ['aal1', 'aal2']);
  t.equal(headers.get('access-control-allow-origin'), '*');
  t.equal(headers.get('cache-control'), 'public, max-age=300');
  for (const http of [{ publicUrl }, { publicUrl, issuer: 'https://other.example' }, { publicUrl: null }]) {
    const elsewhere = await oauthService(t, { http });
    t.match(await elsewhere.send(path), { status: 404, body: { code: 'not_found' } }, JSON.stringify(http));
  }
});

t.test('an access token has the form of RFC 9068', async (t) => {
  const { logIn } = await oauthService(t);
  const { access } = await logIn({ clientId: 'backend' });
  const [header = ''] = access.split('.');
  t.match(JSON.parse(Buffer.from(header, 'base64url').toString()), {
    typ: 'at+jwt',
    kid: String,
    alg: 'HS512',
  });
  const text = { iss: String, aud: String, sub: String, client_id: 'backend', jti: String };
  t.match(claimsOf(access), { ...text, exp: Number, iat: Number });
});

t.test('a 401 carries a challenge', async (t) => {
  const { url, post } = await oauthService(t);
  const challenge = async (path: string, authorization?: string) => {
    const { status, headers } = await fetch(url + path, authorization ? { headers: { authorization } } : {});
    t.equal(status, 401, path);
    return headers.get('www-authenticate');
  };
  t.equal(await challenge('/auth/me'), 'Bearer realm="kinship"');
  t.equal(await challenge('/auth/me', 'Basic x'), 'Bearer realm="kinship"');
  t.equal(await challenge('/auth/me', 'Bearer x'), 'Bearer realm="kinship", error="invalid_token"');
  t.equal(await challenge('/auth/verify', 'Bearer x'), 'Bearer realm="kinship", error="invalid_token"');
  const refused = await post('/auth/login', { username: 'nobody', password: 'whatever it is' });
  t.equal(refused.headers.get('www-authenticate'), 'Bearer realm="kinship"');
});

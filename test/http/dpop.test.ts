import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { createLoginAuthorizer } from '../../src/adapters/http/server/authorize-login.ts';
import { createMemoryUsedProofs } from '../../src/adapters/memory/used-proofs.ts';
import { athOf, type ProofKey, proofKey, proofOf } from '../support/dpop.ts';
import { NOW } from '../support/families.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, RESOURCE_KEY, serviceKeys, startHttpService } from '../support/http.ts';
import { basic, postForm, refreshForm } from '../support/oauth.ts';
import { PASSWORD } from '../support/passwords.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { someKeys } from '../support/sessions.ts';

type Settings = NonNullable<Parameters<typeof startHttpService>[1]>;

/** The service, and a client with a key. */
async function start(t: Test, settings: Settings = {}) {
  const keys = settings.keys ?? someKeys();
  const service = await startHttpService(t, { ...settings, keys });
  const key = proofKey();
  const proof = (method: string, path: string, values = {}, by: ProofKey = key) =>
    proofOf(by, method, new URL(path, service.url).href, service.time.now, values);
  return {
    ...service,
    keys,
    key,
    proof,

    /** A session that is bound to the key. */
    async logIn(query = '') {
      const { body } = await service.post(`/auth/login?userId=${randomUUID()}${query}`, undefined, {
        dpop: proof('POST', '/auth/login'),
      });
      return { refreshToken: String(body.refresh), accessToken: String(body.access) };
    },

    /** A request with a bound access token. */
    use: (path: string, token: string, { method = 'GET', body = undefined as object | undefined } = {}) =>
      service.send(path, {
        method,
        headers: {
          authorization: `DPoP ${token}`,
          dpop: proof(method, path, { payload: { ath: athOf(token) } }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
}

const outcomeOf = ({ status, body }: Awaited<ReturnType<HttpService['send']>>) =>
  `${status} ${body.code ?? body.error ?? ''}`.trim();
const refused = '401 invalid_dpop_proof';
const countRefusedProofs = (service: Awaited<ReturnType<typeof start>>, reason: string) =>
  service.metrics
    .scrape()
    .then((text) =>
      Number(new RegExp(`kinship_dpop_refused_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1]),
    );

t.test('a login with a proof binds the session, and both tokens say so', async (t) => {
  const service = await start(t);
  const login = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
  await service.post('/auth/register', login);
  const dpop = service.proof('POST', '/auth/login');
  const { email: _, ...credentials } = login;
  const { status, body } = await service.post('/auth/login', credentials, { dpop });
  t.equal(status, 200);
  t.equal(body.tokenType, 'DPoP');
  for (const token of [body.access, body.refresh])
    t.same(claimsOf(String(token)).cnf, { jkt: service.key.jkt });
  t.equal(
    outcomeOf(await service.post('/auth/login', credentials, { dpop })),
    refused,
    'a proof opens one session',
  );
  const wrong = { ...credentials, password: 'a yellow piano 43' };
  const unused = service.proof('POST', '/auth/login');
  t.equal(outcomeOf(await service.post('/auth/login', wrong, { dpop: unused })), '401 invalid_credentials');
  t.equal(
    (await service.post('/auth/login', credentials, { dpop: unused })).status,
    200,
    'a refused login does not use up the proof',
  );
});

t.test('a login without a proof opens an unbound session', async (t) => {
  const service = await start(t);
  const { body } = await service.post(`/auth/login?userId=${randomUUID()}`);
  t.same(Object.keys(body).sort(), ['access', 'expiresIn', 'refresh']);
  for (const token of [body.access, body.refresh]) t.notOk('cnf' in claimsOf(String(token)));
});

t.test('a login with an invalid proof opens no session', async (t) => {
  const service = await start(t);
  const path = `/auth/login?userId=${randomUUID()}`;
  for (const dpop of ['x', service.proof('GET', '/auth/login'), service.proof('POST', '/auth/refresh')])
    t.equal(outcomeOf(await service.post(path, undefined, { dpop })), refused);
  t.same((await service.families.list(null, { now: NOW, limit: 10, after: null })).length, 0);
});

t.test('a backend binds the session to the key of its client', async (t) => {
  const service = await start(t);
  const path = `/auth/login?userId=${randomUUID()}&dpopJkt=`;
  const { body } = await service.post(`${path}${service.key.jkt}`);
  t.equal(body.tokenType, 'DPoP');
  t.same(claimsOf(String(body.access)).cnf, { jkt: service.key.jkt });
  const pair = { refreshToken: body.refresh, accessToken: body.access };
  t.equal(outcomeOf(await service.post('/auth/refresh', pair)), refused);
  const dpop = service.proof('POST', '/auth/refresh');
  t.equal((await service.post('/auth/refresh', pair, { dpop })).status, 200);
  for (const jkt of ['', 'short', `${service.key.jkt}A`, 'é'.repeat(43)])
    t.equal(outcomeOf(await service.post(`${path}${jkt}`)), '400 invalid_request', jkt);
  const both = { dpop: service.proof('POST', '/auth/login') };
  t.equal(outcomeOf(await service.post(`${path}${service.key.jkt}`, undefined, both)), '400 invalid_request');
  const credentials = { username: 'ann', password: PASSWORD };
  t.equal(
    outcomeOf(await service.post(`/auth/login?dpopJkt=${service.key.jkt}`, credentials)),
    '400 invalid_request',
    'only by user id',
  );
});

t.test('DPOP=required: every door refuses to open an unbound session', async (t) => {
  const service = await start(t, { policy: { dpop: 'required' }, http: { sessionCookies: true } });
  const userId = randomUUID();
  const account = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
  await service.post('/auth/register', account);
  const { email: _, ...credentials } = account;
  t.equal(outcomeOf(await service.post('/auth/login', credentials)), refused);
  t.equal(outcomeOf(await service.post(`/auth/login?userId=${userId}`)), refused);
  t.equal(outcomeOf(await service.post('/api/v1/auth/login', { guid: userId })), refused);
  t.equal(outcomeOf(await service.post('/api/v1/login/', credentials)), refused);
  t.equal((await fetch(`${service.url}/${userId}`)).status, 401);
  t.equal(await countRefusedProofs(service, 'required'), 5);
  const byCookie = { 'x-session-transport': 'cookie' };
  t.equal(
    outcomeOf(await service.post('/auth/login', credentials, byCookie)),
    refused,
    'also not in cookies',
  );
  t.ok((await service.logIn()).accessToken, 'a bound session can be opened');
});

t.test('DPOP=off: no new session is bound, and existing bound sessions stay bound', async (t) => {
  const bound = await start(t);
  const pair = await bound.logIn();
  const policy = { ...bound.policy, dpop: 'off' } as const;
  const service = await start(t, { policy, stores: bound, keys: bound.keys });
  const dpop = proofOf(bound.key, 'POST', `${service.url}/auth/login`, NOW);
  const { body } = await service.post(`/auth/login?userId=${randomUUID()}`, undefined, { dpop });
  t.notOk('tokenType' in body);
  const stated = `/auth/login?userId=${randomUUID()}&dpopJkt=${bound.key.jkt}`;
  t.equal(outcomeOf(await service.post(stated)), '400 invalid_request');
  t.equal(outcomeOf(await service.post('/auth/refresh', pair)), refused);
  const proof = proofOf(bound.key, 'POST', `${service.url}/auth/refresh`, NOW);
  t.match((await service.post('/auth/refresh', pair, { dpop: proof })).body, { tokenType: 'DPoP' });
});

t.test('a service key with scope dpop opens bound sessions only', async (t) => {
  const secret = 'a-service-key-for-bound-sessions-only';
  const keys = [...serviceKeys, { name: 'bound', scopes: ['login', 'dpop'], secret } as const];
  const service = await start(t, { http: { authorizeLogin: createLoginAuthorizer('key', keys) } });
  const userId = randomUUID();
  const headers = { 'x-api-key': secret };
  t.equal(outcomeOf(await service.post(`/auth/login?userId=${userId}`, undefined, headers)), refused);
  t.equal(outcomeOf(await service.post('/api/v1/auth/login', { guid: userId }, headers)), refused);
  const bound = `/auth/login?userId=${userId}&dpopJkt=${service.key.jkt}`;
  t.equal((await service.post(bound, undefined, headers)).body.tokenType, 'DPoP');
});

t.test('each refresh of a bound session needs a new proof of its key', async (t) => {
  const service = await start(t);
  let pair = await service.logIn();
  for (let round = 0; round < 3; round += 1) {
    const dpop = service.proof('POST', '/auth/refresh');
    const { status, body } = await service.post('/auth/refresh', pair, { dpop });
    t.equal(status, 200);
    t.equal(body.tokenType, 'DPoP');
    pair = { refreshToken: String(body.refresh), accessToken: String(body.access) };
    t.same(claimsOf(pair.refreshToken).cnf, { jkt: service.key.jkt });
  }
});

t.test('a retry needs a new proof, and gets the same pair', async (t) => {
  const service = await start(t);
  const pair = await service.logIn();
  const send = (dpop: string) => service.post('/auth/refresh', pair, { dpop, 'idempotency-key': 'one' });
  const first = service.proof('POST', '/auth/refresh');
  const next = await send(first);
  t.equal(outcomeOf(await send(first)), refused, 'the same proof');
  const again = await send(service.proof('POST', '/auth/refresh'));
  t.same([again.body.refresh, again.body.tokenType], [next.body.refresh, 'DPoP']);
});

t.test('every door refuses a bound session without a proof, and the session stays live', async (t) => {
  const service = await start(t);
  const other = proofKey();
  const doors: Record<string, (token: string, headers: Record<string, string>) => Promise<string>> = {
    '/auth/refresh': async (refreshToken, headers) =>
      outcomeOf(await service.post('/auth/refresh', { refreshToken }, headers)),
    '/oauth/token': async (token, headers) =>
      outcomeOf(await postForm(service, '/oauth/token', refreshForm(token), headers)),
    '/api/v1/refresh/': async (refresh, headers) =>
      outcomeOf(await service.post('/api/v1/refresh/', { refresh }, headers)),
    '/api/v1/auth/refresh': async (token, headers) =>
      outcomeOf(
        await service.post(
          '/api/v1/auth/refresh',
          { session_id: claimsOf(token).tokenFamily, refresh_token: Buffer.from(token).toString('base64') },
          headers,
        ),
      ),
    '/refresh': async (token, headers) => {
      const cookie = `access_token=${access}; refresh_token=${token}`;
      return String((await fetch(`${service.url}/refresh`, { headers: { cookie, ...headers } })).status);
    },
  };
  let access = '';
  for (const [path, refresh] of Object.entries(doors)) {
    const { refreshToken, accessToken } = await service.logIn('&binding=refresh');
    access = accessToken;
    const method = path === '/refresh' ? 'GET' : 'POST';
    const wanted = { '/refresh': '401', '/oauth/token': '400 invalid_dpop_proof' }[path] ?? refused;
    const used = service.proof(method, path);
    const faulty: Record<string, Record<string, string>> = {
      'no proof': {},
      'an empty proof': { dpop: '' },
      'no JWS': { dpop: 'x' },
      'another key': { dpop: service.proof(method, path, {}, other) },
      'another method': { dpop: service.proof('PUT', path) },
      'another URL': { dpop: service.proof(method, `${path}x`) },
      'another host': { dpop: proofOf(service.key, method, `https://evil.example${path}`, NOW) },
      'an old proof': { dpop: proofOf(service.key, method, service.url + path, NOW - 66_000) },
      'a proof of the future': { dpop: proofOf(service.key, method, service.url + path, NOW + 67_000) },
    };
    for (const [name, headers] of Object.entries(faulty))
      t.equal(await refresh(refreshToken, headers), wanted, `${path}: ${name}`);
    t.match(await refresh(refreshToken, { dpop: used }), /^200/, `${path}: lives`);
    t.equal(
      await refresh(refreshToken, { dpop: used }),
      wanted,
      `${path}: the used proof is refused before reuse is judged`,
    );
  }
});

t.test(
  'a missing proof or a proof of another key is recorded once a day, and other faults are only counted',
  async (t) => {
    const service = await start(t);
    const { refreshToken, accessToken } = await service.logIn();
    const pair = { refreshToken, accessToken };
    const other = proofKey();
    const listRefusedEvents = async () =>
      (await service.outbox.claim('event', NOW + 1, NOW + 2, 100)).filter(
        ({ event }) => event.type === 'sessions.dpop_refused',
      );
    for (const dpop of ['x', service.proof('GET', '/auth/refresh'), service.proof('POST', '/x')])
      await service.post('/auth/refresh', pair, { dpop });
    t.same(await listRefusedEvents(), []);
    t.equal(await countRefusedProofs(service, 'malformed'), 1);
    t.equal(await countRefusedProofs(service, 'other_request'), 2);
    for (let times = 0; times < 3; times += 1) await service.post('/auth/refresh', pair);
    await service.post('/auth/refresh', pair, { dpop: service.proof('POST', '/auth/refresh', {}, other) });
    const [event, ...more] = await listRefusedEvents();
    t.match(event?.event.data, { reason: 'missing', sessionId: claimsOf(refreshToken).tokenFamily });
    t.same(more, []);
    t.equal((await service.outbox.claim('mail', NOW + 1, NOW + 2, 100)).length, 1);
    t.equal(await countRefusedProofs(service, 'missing'), 3);
    t.equal(await countRefusedProofs(service, 'other_key'), 1);
  },
);

t.test('a refused DPoP proof for an ended session causes no mail', async (t) => {
  const service = await start(t);
  const pair = await service.logIn();
  const { tokenFamily, sub } = claimsOf(pair.refreshToken);
  await service.end(String(tokenFamily), String(sub), 'logout');
  t.equal(outcomeOf(await service.post('/auth/refresh', pair)), refused);
  t.equal((await service.outbox.claim('mail', NOW + 1, NOW + 2, 100)).length, 0);
});

t.test('a step-up of a bound session also needs a proof of its key', async (t) => {
  const service = await start(t);
  const password = 'a violet piano 42';
  await service.post('/auth/register', { username: 'ann', email: 'ann@example.com', password });
  const headers = { dpop: service.proof('POST', '/auth/login') };
  const { body } = await service.post('/auth/login', { username: 'ann', password }, headers);
  const step = { refreshToken: body.refresh, accessToken: body.access, password };
  const send = (dpop?: string) => service.post('/auth/step-up', step, dpop === undefined ? {} : { dpop });
  t.equal(outcomeOf(await send()), refused);
  t.equal(outcomeOf(await send(service.proof('POST', '/auth/step-up', {}, proofKey()))), refused);
  t.equal(outcomeOf(await send(service.proof('POST', '/auth/refresh'))), refused);
  const next = await send(service.proof('POST', '/auth/step-up'));
  t.match(next, { status: 200, body: { tokenType: 'DPoP' } });
  t.same(claimsOf(String(next.body.refresh)).cnf, { jkt: service.key.jkt });
});

t.test('a step-up challenge names the scheme of the request', async (t) => {
  const service = await start(t);
  const { body } = await service.post('/auth/register', {
    username: 'ann',
    email: 'ann@example.com',
    password: PASSWORD,
  });
  const authTime = Math.floor(service.time.now / 1000) - 3600;
  const headers = { dpop: service.proof('POST', '/auth/login') };
  const login = await service.post(`/auth/login?userId=${body.id}&authTime=${authTime}`, undefined, headers);
  const answer = await service.use('/auth/me', String(login.body.access), { method: 'DELETE' });
  t.equal(outcomeOf(answer), '401 step_up_required');
  t.match(
    answer.headers.get('www-authenticate'),
    /^DPoP realm="kinship", algs="[^"]*", error="insufficient_user_authentication", max_age=600$/,
  );
});

t.test('a refresh binds no session', async (t) => {
  const service = await start(t);
  const { body } = await service.post(`/auth/login?userId=${randomUUID()}`);
  const pair = { refreshToken: body.refresh, accessToken: body.access };
  for (const dpop of [service.proof('POST', '/auth/refresh'), 'x', ''])
    t.equal(outcomeOf(await service.post('/auth/refresh', pair, { dpop })), refused);
  t.equal(await countRefusedProofs(service, 'unbound'), 3);
  const next = await service.post('/auth/refresh', pair);
  t.equal(next.status, 200, 'nothing changed');
  t.notOk('tokenType' in next.body);
});

t.test('the token endpoint answers token_type DPoP', async (t) => {
  const service = await start(t);
  const { refreshToken } = await service.logIn('&binding=refresh');
  const dpop = service.proof('POST', '/oauth/token');
  const answer = await postForm(service, '/oauth/token', refreshForm(refreshToken), { dpop });
  t.match(answer, { status: 200, body: { token_type: 'DPoP' } });
});

t.test('a bound access token needs its proof at protected routes, and is no bearer token', async (t) => {
  const service = await start(t);
  const { accessToken: token } = await service.logIn();
  const ath = athOf(token);
  for (const path of ['/auth/me', '/auth/sessions', '/auth/sessions?limit=1', '/api/v1/users/']) {
    t.equal((await service.use(path, token)).status, 200, path);
    const bearer = await service.send(path, { headers: { authorization: `Bearer ${token}` } });
    t.equal(outcomeOf(bearer), '401 unauthenticated', path);
    t.equal(bearer.headers.get('www-authenticate'), 'Bearer realm="kinship", error="invalid_token"');
    const used = service.proof('GET', path, { payload: { ath } });
    const send = (dpop: string) =>
      service.send(path, { headers: { authorization: `dpop ${token}`, ...(dpop !== '' && { dpop }) } });
    t.equal((await send(used)).status, 200);
    for (const dpop of [
      '',
      used,
      service.proof('GET', path),
      service.proof('GET', path, { payload: { ath: athOf('other') } }),
      service.proof('POST', path, { payload: { ath } }),
      service.proof('GET', `${path.split('?')[0]}x`, { payload: { ath } }),
      service.proof('GET', path, { payload: { ath } }, proofKey()),
    ]) {
      const answer = await send(dpop);
      t.equal(outcomeOf(answer), refused, path);
      t.match(
        answer.headers.get('www-authenticate'),
        /^DPoP realm="kinship", algs="ES256 [^"]*", error="invalid_dpop_proof"$/,
      );
    }
  }
  const unbound = await service.post(`/auth/login?userId=${randomUUID()}`);
  const answer = await service.use('/auth/me', String(unbound.body.access));
  t.equal(outcomeOf(answer), '401 unauthenticated', 'an unbound token under the scheme DPoP');
  t.match(answer.headers.get('www-authenticate'), /^DPoP .*error="invalid_token"$/);
  t.equal((await service.use('/auth/logout', token, { method: 'POST' })).status, 204);
  t.equal(outcomeOf(await service.use('/auth/me', token)), '401 unauthenticated', 'ended');
});

t.test('a bound refresh token alone ends its own session, and no other', async (t) => {
  const service = await start(t);
  const { refreshToken } = await service.logIn();
  for (const scope of ['others', 'all'])
    t.equal(outcomeOf(await service.post(`/auth/logout?scope=${scope}`, { refreshToken })), refused);
  const dpop = service.proof('POST', '/auth/logout');
  t.equal((await service.post('/auth/logout?scope=others', { refreshToken }, { dpop })).status, 204);
  t.equal((await service.post('/auth/logout', { refreshToken })).status, 204);
});

t.test('introspection contains the key of a bound session', async (t) => {
  const service = await start(t);
  const pair = await service.logIn();
  const introspect = (token: string) =>
    postForm(service, '/oauth/introspect', { token }, basic('resource', RESOURCE_KEY));
  const cnf = { jkt: service.key.jkt };
  t.match((await introspect(pair.accessToken)).body, { active: true, token_type: 'DPoP', cnf });
  const refresh = (await introspect(pair.refreshToken)).body;
  t.match(refresh, { active: true, cnf });
  t.notOk('token_type' in refresh);
  const unbound = await service.post(`/auth/login?userId=${randomUUID()}`);
  const { body } = await introspect(String(unbound.body.access));
  t.equal(body.token_type, 'Bearer');
  t.notOk('cnf' in body);
});

t.test('the metadata lists the algorithms of proofs', async (t) => {
  const publicUrl = 'https://auth.example.com';
  const service = await start(t, { http: { publicUrl, issuer: publicUrl } });
  const { body } = await service.send('/.well-known/oauth-authorization-server');
  t.ok((body.dpop_signing_alg_values_supported as string[]).includes('ES256'));
  t.notOk((body.dpop_signing_alg_values_supported as string[]).some((alg) => /^HS|none/.test(alg)));
});

t.test(
  'a request target in absolute form names the URL of the proof, whatever the Host header says',
  async (t) => {
    const service = await start(t);
    const { accessToken } = await service.logIn();
    const ath = athOf(accessToken);
    const read = (target: string, url: string) => {
      const dpop = proofOf(service.key, 'GET', url, NOW, { payload: { ath } });
      const headers = [
        'Host: other.example',
        'Connection: close',
        `DPoP: ${dpop}`,
        `Authorization: DPoP ${accessToken}`,
      ];
      return sendRaw(service.url, rawRequest(`GET ${target}`, headers)).then(({ outcome }) => outcome);
    };
    const url = `${service.url}/auth/me`;
    t.equal(await read(`${url}?x=1`, url), '200');
    t.equal(await read(url.replace('http:', 'HTTP:'), url), '200');
    t.equal(await read('/auth/me', url), refused);
    t.equal(await read(url, 'http://other.example/auth/me'), refused);
  },
);

t.test('with PUBLIC_URL a proof must name that URL, whatever the Host header says', async (t) => {
  const publicUrl = 'https://auth.example.com';
  const service = await start(t, { http: { publicUrl } });
  const path = `/auth/login?userId=${randomUUID()}`;
  const at = (origin: string) => proofOf(service.key, 'POST', `${origin}/auth/login`, NOW);
  t.equal((await service.post(path, undefined, { dpop: at(publicUrl) })).status, 200);
  t.equal(outcomeOf(await service.post(path, undefined, { dpop: at(service.url) })), refused);
});

const forwardedHeaders = (uri: string, values: Record<string, string> = {}) => ({
  'x-forwarded-method': 'POST',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'app.example.com',
  'x-forwarded-uri': uri,
  ...values,
});

t.test('/auth/verify checks the proof against the request that a trusted proxy forwards', async (t) => {
  const service = await start(t, { http: { trustProxy: ['127.0.0.1'] } });
  const { accessToken: token } = await service.logIn();
  const payload = { ath: athOf(token) };
  const proof = () => proofOf(service.key, 'POST', 'https://app.example.com/orders', NOW, { payload });
  const verify = (headers: Record<string, string>, authorization = `DPoP ${token}`) =>
    service.send('/auth/verify', { headers: { authorization, ...headers } });
  const ok = await verify({ ...forwardedHeaders('/orders?page=1'), dpop: proof() });
  t.equal(ok.status, 204);
  t.equal(ok.headers.get('x-session-id'), claimsOf(token).sid);
  const faulty: Record<string, Record<string, string>> = {
    'no proof': forwardedHeaders('/orders'),
    'another method': { ...forwardedHeaders('/orders', { 'x-forwarded-method': 'GET' }), dpop: proof() },
    'another scheme': { ...forwardedHeaders('/orders', { 'x-forwarded-proto': 'http' }), dpop: proof() },
    'another host': {
      ...forwardedHeaders('/orders', { 'x-forwarded-host': 'x.example.com' }),
      dpop: proof(),
    },
    'another path': { ...forwardedHeaders('/other'), dpop: proof() },
    'no forwarded request': { dpop: proof() },
    'a proof for /auth/verify': {
      dpop: proofOf(service.key, 'GET', `${service.url}/auth/verify`, NOW, { payload }),
    },
  };
  for (const [name, headers] of Object.entries(faulty))
    t.equal(outcomeOf(await verify(headers)), refused, name);
  t.equal(
    outcomeOf(await verify({ ...forwardedHeaders('/orders'), dpop: proof() }, `Bearer ${token}`)),
    '401 unauthenticated',
  );
  const cookie = { cookie: `access_token=${token}`, ...forwardedHeaders('/orders'), dpop: proof() };
  t.equal(outcomeOf(await service.send('/auth/verify', { headers: cookie })), '401 unauthenticated');

  const direct = await start(t, { stores: service, keys: service.keys });
  const headers = { authorization: `DPoP ${token}`, ...forwardedHeaders('/orders'), dpop: proof() };
  t.equal(outcomeOf(await direct.send('/auth/verify', { headers })), refused, 'not from a trusted proxy');
});

t.test('a full store of used proofs answers 503, and nothing changes', async (t) => {
  const service = await start(t, { usedProofs: createMemoryUsedProofs({ maxEntries: 2 }) });
  const pair = await service.logIn();
  const send = () => service.post('/auth/refresh', pair, { dpop: service.proof('POST', '/auth/refresh') });
  t.equal((await send()).status, 200);
  const answer = await send();
  t.equal(outcomeOf(answer), '503 unavailable');
  t.ok(answer.headers.get('retry-after'));
  const fresh = await service.post(`/auth/login?userId=${randomUUID()}`);
  t.equal(fresh.status, 200, 'unbound sessions can still be opened');
  service.time.now += 136_000;
  t.equal(
    outcomeOf(await send()),
    '401 token_reused',
    'once the store has room, the used token is judged as reuse',
  );
});

t.test(
  'DPOP_NONCE=on: a proof needs a nonce of the service, and each nonce is valid for two periods',
  async (t) => {
    const service = await start(t, { dpopNonce: true, http: { corsOrigins: ['https://app.example.com'] } });
    const headers = { origin: 'https://app.example.com' };
    const login = (nonce?: string) =>
      service.post(`/auth/login?userId=${randomUUID()}&binding=refresh`, undefined, {
        ...headers,
        dpop: service.proof('POST', '/auth/login', { payload: { nonce } }),
      });
    const asked = await login();
    t.equal(outcomeOf(asked), '401 use_dpop_nonce');
    t.match(asked.headers.get('www-authenticate'), /^DPoP .*error="use_dpop_nonce"$/);
    t.match(asked.headers.get('access-control-expose-headers'), /dpop-nonce/);
    t.equal(asked.body.recovery, 'retry');
    const nonce = asked.headers.get('dpop-nonce') ?? '';
    for (const wrong of ['x', `${nonce}x`, 'A'.repeat(22)])
      t.equal(outcomeOf(await login(wrong)), '401 use_dpop_nonce');
    const opened = await login(nonce);
    t.equal(opened.status, 200);
    t.equal(opened.headers.get('dpop-nonce'), nonce, 'also with a success');

    const form = refreshForm(String(opened.body.refresh));
    const send = (given?: string) =>
      postForm(service, '/oauth/token', form, {
        dpop: service.proof('POST', '/oauth/token', { payload: { nonce: given } }),
      });
    t.equal(outcomeOf(await send()), '400 use_dpop_nonce');
    service.time.now += 5 * 60_000;
    const renewed = (await login(nonce)).headers.get('dpop-nonce') ?? '';
    t.not(renewed, nonce, 'the next period');
    t.equal((await login(nonce)).status, 200, 'and both nonces are valid');
    service.time.now += 5 * 60_000;
    t.equal(outcomeOf(await login(nonce)), '401 use_dpop_nonce', 'too old');
    t.equal((await send(renewed)).status, 200);

    const unbound = await service.post(`/auth/login?userId=${randomUUID()}`);
    t.equal(unbound.status, 200);
    t.notOk(unbound.headers.has('dpop-nonce'), 'an answer to a request without a proof has no nonce');
  },
);

t.test('a nonce is asked for only if the key and the request are right', async (t) => {
  const service = await start(t, { dpopNonce: true });
  const { body } = await service.post(`/auth/login?userId=${randomUUID()}&dpopJkt=${service.key.jkt}`);
  const pair = { refreshToken: body.refresh, accessToken: body.access };
  const send = (dpop: string) => service.post('/auth/refresh', pair, { dpop });
  t.equal(outcomeOf(await send(service.proof('POST', '/auth/refresh', {}, proofKey()))), refused);
  t.equal(outcomeOf(await send(service.proof('POST', '/x'))), refused);
  t.equal(outcomeOf(await send(service.proof('POST', '/auth/refresh'))), '401 use_dpop_nonce');
});

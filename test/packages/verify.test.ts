import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mock } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import t, { type Test } from 'tap';
import {
  createVerifier,
  toAnswer,
  type Verifier,
  type VerifierOptions,
  VerifyError,
} from '../../packages/verify/src/index.ts';
import { ISSUER, issuingService, logOut, RESOURCE_SERVER_KEY } from '../support/issuing-service.ts';
import { requirePostgres } from '../support/postgres.ts';
import { waitForValue } from '../support/wait-until.ts';
import { refusalOf } from './support/bound-session.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const SID = 'bd4ef6f0-f0cc-4a39-8a24-a5fa09e3a5d9';
const CHALLENGE = 'Bearer realm="kinship"';

function startVerifier(t: Test, url: string, more: Partial<VerifierOptions> = {}): Verifier {
  const made = createVerifier({ issuer: ISSUER, audience: 'kinship', url, ...more });
  t.teardown(made.close);
  return made;
}

/** The code of the refusal, or `accepted`. */
async function outcome(verifying: Promise<unknown>): Promise<string> {
  try {
    await verifying;
    return 'accepted';
  } catch (error) {
    if (error instanceof VerifyError) return error.code;
    throw error;
  }
}

t.test('against the real service', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url, logIn } = await issuingService(t);

  await t.test('a valid token is accepted, with its session', async (t) => {
    const { verify, ready } = startVerifier(t, url);
    await ready;
    const { authorization, userId, sid } = await logIn();
    const session = await verify(authorization);
    t.match(session, { userId, sessionId: sid, clientId: 'kinship', scopes: { length: 0 } });
    t.ok(session.expiresAt > Date.now() / 1000);
    t.equal((await verify(authorization.replace('Bearer', 'bearer'))).userId, userId);
  });

  await t.test('a refresh token, another issuer and another audience are refused', async (t) => {
    const { authorization, refresh } = await logIn();
    t.equal(await outcome(startVerifier(t, url).verify(`Bearer ${refresh}`)), 'token_invalid');
    t.equal(await outcome(startVerifier(t, url, { issuer: 'x' }).verify(authorization)), 'token_invalid');
    const two = { issuer: ['x', ISSUER], audience: ['x', 'kinship'] };
    t.equal(
      await outcome(startVerifier(t, url, two).verify(authorization)),
      'accepted',
      'the audience is one of several',
    );
    t.equal(await outcome(startVerifier(t, url, { audience: 'x' }).verify(authorization)), 'token_invalid');
  });

  await t.test(
    'a session that ended is refused, without a request to the service for each token',
    async (t) => {
      const paths: string[] = [];
      const recordingFetch: typeof fetch = (input, init) => {
        paths.push(new URL(String(input)).pathname);
        return fetch(input, init);
      };
      const revocations = { serviceKey: RESOURCE_SERVER_KEY, whenLost: 'refuse' } as const;
      const before = await logIn();
      await logOut(url, before);
      const { verify, ready } = startVerifier(t, url, { revocations, fetch: recordingFetch });
      await ready;
      t.equal(await outcome(verify(before.authorization)), 'session_ended');
      for (let round = 0; round < 20; round += 1) {
        const session = await logIn();
        t.equal(await outcome(verify(session.authorization)), 'accepted');
        await logOut(url, session);
        await waitForValue('refusal', async () =>
          (await outcome(verify(session.authorization))) === 'session_ended' ? true : undefined,
        );
      }
      t.same(paths.sort(), ['/.well-known/jwks.json', '/revocations']);
    },
  );

  await t.test('a recent authentication and its level are required if the route says so', async (t) => {
    const { verify } = startVerifier(t, url);
    const { authorization } = await logIn();
    const refusal = await refusalOf(verify(authorization, { acr: 'aal2', maxAge: 600 }));
    t.match(refusal, { code: 'step_up_required', status: 401 });
    t.equal(
      refusal.challenge,
      `${CHALLENGE}, error="insufficient_user_authentication", max_age="600", acr_values="aal2", ` +
        'error_description="The user must prove again who they are."',
    );
    t.equal(await outcome(verify(authorization, { scopes: ['orders'] })), 'insufficient_scope');
  });

  await t.test('while the stream is lost, the option `whenLost` decides', async (t) => {
    for (const [whenLost, live, ended] of [
      ['accept', 'accepted', 'accepted'],
      ['introspect', 'accepted', 'session_ended'],
      ['refuse', 'unavailable', 'unavailable'],
    ] as const) {
      const noStream: typeof fetch = async (input, init) => {
        if (String(input).endsWith('/revocations')) throw new Error('unreachable');
        return fetch(input, init);
      };
      const failures: unknown[] = [];
      const onError = (error: unknown) => void failures.push(error);
      const revocations = { serviceKey: RESOURCE_SERVER_KEY, whenLost, onError };
      const { verify } = startVerifier(t, url, { revocations, fetch: noStream });
      const [one, other] = [await logIn(), await logIn()];
      await logOut(url, other);
      t.equal(await outcome(verify(one.authorization)), live, `${whenLost}, a live session`);
      t.equal(await outcome(verify(other.authorization)), ended, `${whenLost}, an ended session`);
      t.ok(failures.length > 0, 'the failure is reported');
    }
  });

  await t.test('a wrong service key is reported, and introspection with that key is refused', async (t) => {
    const failures: string[] = [];
    const revocations = {
      serviceKey: 'wrong',
      whenLost: 'introspect',
      onError: (error: unknown) => void failures.push(String(error)),
    } as const;
    const { verify } = startVerifier(t, url, { revocations });
    t.equal(await outcome(verify((await logIn()).authorization)), 'unavailable');
    await waitForValue('failure', async () => failures[0]);
    const hint =
      'is answered with 401. Kinship does not know revocations.serviceKey: see SERVICE_API_KEYS there.';
    for (const what of ['The stream of revocations', 'Introspection'])
      t.ok(failures.includes(`Error: ${what} ${hint}`), what);
  });
});

/** A fake service with keys, and with streams that the test writes. */
async function createFakeService() {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA');
  const jwk = { ...(await exportJWK(publicKey)), kid: '1', alg: 'EdDSA', use: 'sig' };
  const streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  const calls = { keys: 0, streams: 0 };
  let keysAreUp = true;
  let published = [jwk];
  const fake = async (input: unknown) => {
    const { pathname } = new URL(String(input));
    if (pathname === '/revocations') {
      calls.streams += 1;
      return new Response(new ReadableStream({ start: (stream) => void streams.push(stream) }));
    }
    calls.keys += 1;
    if (!keysAreUp) throw new TypeError('fetch failed');
    return Response.json({ keys: published }, { headers: { 'cache-control': 'public, max-age=300' } });
  };
  const now = () => Math.floor(Date.now() / 1000);
  return {
    fetch: fake as typeof fetch,
    calls,
    streams,
    setKeysUp(up: boolean) {
      keysAreUp = up;
    },
    withdrawKeys() {
      published = [];
    },
    write: (text: string) => streams.at(-1)?.enqueue(new TextEncoder().encode(text)),
    async sign(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) {
      const times = { iat: now(), exp: now() + 900 };
      const standard = { iss: ISSUER, aud: 'kinship', sub: USER, sid: SID, ...times };
      const jwt = new SignJWT({ ...standard, ...claims });
      jwt.setProtectedHeader({ alg: 'EdDSA', kid: '1', typ: 'at+jwt', ...header });
      return `Bearer ${await jwt.sign(privateKey)}`;
    },
  };
}

const READY = 'event: ready\ndata: {"accessTokenAge":900}\n\n';
const revocations = { serviceKey: 'x', whenLost: 'refuse' } as const;
const endedEvent = (sid = SID) => `data: ${JSON.stringify({ sid, revokedAt: new Date().toISOString() })}\n\n`;
const waitBriefly = () => new Promise((resolve) => setTimeout(resolve, 5));

t.test('a token is accepted, or refused with the code of its fault', async (t) => {
  const service = await createFakeService();
  const { verify } = startVerifier(t, ISSUER, { fetch: service.fetch });
  const now = Math.floor(Date.now() / 1000);
  const cases: Record<string, [string, string | null | undefined]> = {
    'no header': ['token_missing', undefined],
    'an empty header': ['token_missing', ''],
    'another scheme': ['token_invalid', 'Basic eDp5'],
    nonsense: ['token_invalid', 'Bearer x.y.z'],
    'too long': ['token_invalid', `Bearer ${'x'.repeat(9_000)}`],
    good: ['accepted', await service.sign()],
    'of another type': ['token_invalid', await service.sign({}, { typ: 'JWT' })],
    'expired this second': ['token_expired', await service.sign({ exp: now })],
    'not yet valid': ['token_invalid', await service.sign({ nbf: now + 60 })],
    'within the leeway': ['accepted', await service.sign({ nbf: now + 3 })],
    'without a session': ['token_invalid', await service.sign({ sid: undefined })],
    'a session that is no UUID': ['token_invalid', await service.sign({ sid: 'x' })],
    'without an end': ['token_invalid', await service.sign({ exp: undefined })],
    'bound to a key': ['token_invalid', await service.sign({ cnf: { jkt: 'x' } })],
    'bound to a certificate': ['token_invalid', await service.sign({ cnf: { 'x5t#S256': 'x' } })],
    'an unbound token with the scheme DPoP': [
      'token_invalid',
      (await service.sign()).replace('Bearer', 'DPoP'),
    ],
    'an unknown key': ['token_invalid', await service.sign({}, { kid: '2' })],
  };
  for (const [name, [wanted, authorization]] of Object.entries(cases))
    t.equal(await outcome(verify(authorization)), wanted, name);
  t.equal(service.calls.keys, 1, 'an unknown key id does not fetch the keys again at once');
});

t.test('the developer gets the reason of a refusal, and the client only its kind', async (t) => {
  const service = await createFakeService();
  const now = Math.floor(Date.now() / 1000);
  const issuer = 'https://expected.example.com';
  const cases = [
    [
      { issuer },
      await service.sign(),
      'The token has another issuer.',
      `The issuer of the token is "${ISSUER}", expected "${issuer}".`,
      'issuer',
    ],
    [
      { audience: ['shop', 'orders'] },
      await service.sign({ aud: ['kinship', 'other'] }),
      'The token is for another audience.',
      'The audience of the token is ["kinship","other"], expected "shop" or "orders".',
      'audience',
    ],
    [
      {},
      bearer({ alg: 'HS512', typ: 'at+jwt' }),
      'The algorithm of the token is not accepted.',
      'The algorithm of the token is "HS512", expected "EdDSA" or "ES256" or "RS256".',
      'ACCESS_TOKEN_ALG',
    ],
    [
      {},
      bearer({ alg: 'HS\u{1b}[2J\u{202e}', typ: 'at+jwt' }),
      'The algorithm of the token is not accepted.',
      'The algorithm of the token is "HS\\u001b[2J\\u{202e}", expected "EdDSA" or "ES256" or "RS256".',
      'ACCESS_TOKEN_ALG',
    ],
    [
      {},
      bearer({ alg: 'HS512', typ: 'rt+jwt' }),
      'This is a refresh token: send the access token.',
      /^This is a refresh token: send the access token\./,
      null,
    ],
    [
      {},
      await service.sign({ exp: now - 60 }),
      'The token has expired.',
      /^The token expired 6\d s ago by the clock of this machine\.$/,
      null,
    ],
    [
      {},
      await service.sign({ nbf: now + 60 }),
      'The token is not valid yet.',
      /^The token is not valid yet\. \("nbf"/,
      null,
    ],
    [{}, await service.sign({}, { typ: 'JWT' }), 'The token is no access token.', /"typ"/, null],
    [
      {},
      await service.sign({ iat: undefined }),
      'A claim of the token is missing or has a wrong type.',
      /missing required "iat" claim/,
      null,
    ],
    [
      {},
      `${(await service.sign()).slice(0, -4)}AAAA`,
      'The signature of the token is not valid.',
      /signature verification failed/,
      null,
    ],
    [
      {},
      await service.sign({}, { kid: '2' }),
      'The key of the token is not published.',
      /no applicable key/,
      null,
    ],
  ] as const;
  for (const [options, authorization, message, reason, setting] of cases) {
    const reported: VerifyError[] = [];
    const onRefusal = (refusal: VerifyError) => void reported.push(refusal);
    const { verify } = startVerifier(t, ISSUER, { url: ISSUER, fetch: service.fetch, onRefusal, ...options });
    const refusal = await refusalOf(verify(authorization));
    t.same(reported, [refusal], 'reported once');
    t.match(refusal, { message, reason, setting }, message);
    const { headers, body } = toAnswer(refusal);
    t.equal(
      headers['www-authenticate'],
      `${CHALLENGE}, error="invalid_token", error_description="${message}"`,
    );
    t.equal(JSON.parse(body).detail, message);
    t.notMatch(refusal.reason, new RegExp(`${USER}|${authorization.slice(-20)}`), 'no user, no token');
  }
});

/** An `Authorization` header with a token whose signature is wrong. */
function bearer(header: Record<string, unknown>): string {
  return `Bearer ${Buffer.from(JSON.stringify(header)).toString('base64url')}.e30.AA`;
}

t.test('an outage states the URL of the keys and the innermost cause', async (t) => {
  const away: typeof fetch = async () => {
    throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:3000') });
  };
  const { verify } = startVerifier(t, 'http://127.0.0.1:3000', { fetch: away, onRefusal: () => {} });
  t.match(await refusalOf(verify(await (await createFakeService()).sign())), {
    message: 'The published keys cannot be fetched at the moment.',
    reason:
      'The published keys cannot be fetched from http://127.0.0.1:3000/.well-known/jwks.json ' +
      '(connect ECONNREFUSED 127.0.0.1:3000).',
    setting: 'url',
  });
});

t.test('an outage whose causes are a cycle is reported', async (t) => {
  const failure = new TypeError('fetch failed');
  failure.cause = new Error('lost', { cause: failure });
  const away = () => Promise.reject(failure);
  const { verify } = startVerifier(t, 'http://127.0.0.1:3000', { fetch: away, onRefusal: () => {} });
  t.match(await refusalOf(verify(await (await createFakeService()).sign())), {
    reason: / \((?:lost|fetch failed)\)\.$/,
  });
});

t.test('by default a wrong setting is printed once, and other refusals are not', async (t) => {
  const warn = mock.method(console, 'warn', () => {});
  t.teardown(() => warn.mock.restore());
  const service = await createFakeService();
  const { verify } = startVerifier(t, ISSUER, { fetch: service.fetch, audience: 'shop' });
  await outcome(verify('Bearer x'));
  await outcome(verify(null));
  await outcome(verify(await service.sign({ aud: 'shop', exp: 1 })));
  t.equal(warn.mock.callCount(), 0);
  for (let round = 0; round < 3; round += 1) await outcome(verify(await service.sign()));
  for (let round = 0; round < 3; round += 1) await outcome(verify(bearer({ alg: 'HS512', typ: 'at+jwt' })));
  const lines = warn.mock.calls.map(({ arguments: [line] }) => String(line));
  t.match(lines, [
    /^@kinship\/verify: The audience of the token is "kinship", expected "shop"\. .*TOKEN_AUDIENCE/,
    /^@kinship\/verify: The algorithm of the token is "HS512", .*ACCESS_TOKEN_ALG/,
  ]);
  t.equal(lines.length, 2);
});

t.test(
  'a token must have the scopes, the age and the level of authentication that a route requires',
  async (t) => {
    const service = await createFakeService();
    const { verify } = startVerifier(t, ISSUER, { fetch: service.fetch });
    const now = Math.floor(Date.now() / 1000);
    const token = await service.sign({ scope: 'read write', auth_time: now - 100, acr: 'aal2' });
    t.equal(await outcome(verify(token, { scopes: ['read'], maxAge: 200, acr: 'aal1' })), 'accepted');
    t.equal(await outcome(verify(token, { acr: 'aal2' })), 'accepted');
    for (const acr of ['other2', 'aak2', 'aa', 'aal3'])
      t.equal(await outcome(verify(token, { acr })), 'step_up_required', acr);
    t.equal(await outcome(verify(token, { maxAge: 50 })), 'step_up_required');
    const refusal = await refusalOf(verify(token, { scopes: ['read', 'admin'] }));
    t.equal(refusal.status, 403);
    t.equal(
      refusal.challenge,
      `${CHALLENGE}, error="insufficient_scope", scope="read admin", ` +
        'error_description="The token does not have the required scope."',
    );
    t.equal(await outcome(verify(await service.sign(), { maxAge: 50 })), 'step_up_required', 'no auth_time');
  },
);

t.test('only an active access token passes introspection', async (t) => {
  const service = await createFakeService();
  let answer = Response.json({});
  const fetchIntrospection: typeof fetch = async (input, init) => {
    const { pathname } = new URL(String(input));
    if (pathname === '/oauth/introspect') return answer;
    if (pathname === '/revocations') throw new TypeError('fetch failed');
    return service.fetch(input, init);
  };
  const failures: string[] = [];
  const onError = (error: unknown) => void failures.push(String(error));
  const revocations = { serviceKey: RESOURCE_SERVER_KEY, whenLost: 'introspect', onError } as const;
  const { verify } = startVerifier(t, ISSUER, { fetch: fetchIntrospection, revocations });
  const token = await service.sign();
  for (const [given, wanted] of [
    [Response.json({ active: true, token_type: 'Bearer' }), 'accepted'],
    [Response.json({ active: true, token_type: 'DPoP' }), 'accepted'],
    [Response.json({ active: true }), 'session_ended'],
    [Response.json({ active: false }), 'session_ended'],
    [Response.json({ active: 'true', token_type: 'Bearer' }), 'session_ended'],
    [Response.json({}, { status: 500 }), 'unavailable'],
    [Response.json({}, { status: 403 }), 'unavailable'],
    [new Response('<html>'), 'unavailable'],
  ] as const) {
    answer = given;
    t.equal(await outcome(verify(token)), wanted);
  }
  const hint = 'revocations.serviceKey needs the scope introspect: see SERVICE_API_KEYS of Kinship.';
  t.ok(
    failures.includes(`Error: Introspection is answered with 403. ${hint}`),
    'the missing scope is reported',
  );
});

t.test('a url with a path is refused, because the service answers at the root of its origin', async (t) => {
  for (const url of ['https://gateway.example.com/auth', 'https://auth.example.com/?a=b'])
    t.throws(() => startVerifier(t, url), { name: 'TypeError', message: /must be an origin without a path/ });
  t.doesNotThrow(() => startVerifier(t, 'https://auth.example.com/'));
});

t.test('no redirect is followed, so the service key goes to no other server', async (t) => {
  let foreign = 0;
  const other = await listen(t, (_request, response) => {
    foreign += 1;
    response.end('{}');
  });
  const url = await listen(t, ({ url: path = '' }, response) =>
    response.writeHead(307, { location: `${other}${path}` }).end(),
  );
  const service = await createFakeService();
  const failures: unknown[] = [];
  const onError = (error: unknown) => void failures.push(error);
  const revocations = { serviceKey: RESOURCE_SERVER_KEY, whenLost: 'introspect', onError } as const;
  const withKeys: typeof fetch = (input, init) =>
    String(input).endsWith('/jwks.json') ? service.fetch(input, init) : fetch(input, init);
  const token = await service.sign();
  const introspects = startVerifier(t, url, { revocations, fetch: withKeys });
  t.equal(await outcome(introspects.verify(token)), 'unavailable', 'introspection');
  await waitForValue('the failure of the stream', async () => failures[0]);
  t.equal(await outcome(startVerifier(t, url).verify(token)), 'unavailable', 'the keys');
  t.equal(foreign, 0);
});

/** Starts a server on loopback. Returns its URL. */
async function listen(t: Test, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('a refusal is answered with its challenge, and an outage with Retry-After', async (t) => {
  const service = await createFakeService();
  const { verify } = startVerifier(t, ISSUER, { fetch: service.fetch });
  const missing = toAnswer(await refusalOf(verify(null)));
  const both = `${CHALLENGE}, DPoP realm="kinship", algs="ES256 ES384 Ed25519 EdDSA PS256 RS256"`;
  t.equal(missing.headers['www-authenticate'], both, 'no error without a token (RFC 6750 section 3.1)');
  t.match(JSON.parse(missing.body), { status: 401, code: 'token_missing' });
  const invalid = toAnswer(await refusalOf(verify('Bearer x')));
  t.equal(
    invalid.headers['www-authenticate'],
    `${CHALLENGE}, error="invalid_token", error_description="The token is malformed."`,
  );
  service.setKeysUp(false);
  const down = startVerifier(t, ISSUER, { fetch: service.fetch });
  const outage = toAnswer(await refusalOf(down.verify(await service.sign())));
  t.match(outage, { status: 503, headers: { 'retry-after': '1', 'www-authenticate': undefined } });
});

t.test('fetched keys stay in use during an outage, and concurrent requests share one fetch', async (t) => {
  const service = await createFakeService();
  const { verify } = startVerifier(t, ISSUER, { fetch: service.fetch });
  const token = await service.sign();
  await Promise.all(Array.from({ length: 50 }, () => verify(token)));
  t.equal(service.calls.keys, 1);
  service.setKeysUp(false);
  t.equal(await outcome(verify(token)), 'accepted');
});

t.test('keys', async (t) => {
  t.beforeEach(() => mock.timers.enable({ apis: ['Date'], now: Date.now() }));
  t.afterEach(() => mock.timers.reset());

  await t.test('are fetched again when max-age has passed, so a withdrawn key is refused', async (t) => {
    const service = await createFakeService();
    const { verify } = startVerifier(t, ISSUER, { fetch: service.fetch });
    const token = await service.sign({ exp: Math.floor(Date.now() / 1000) + 10_000 });
    t.equal(await outcome(verify(token)), 'accepted');
    service.withdrawKeys();
    mock.timers.tick(299_000);
    t.equal(await outcome(verify(token)), 'accepted');
    mock.timers.tick(1_000);
    t.equal(await outcome(verify(token)), 'token_invalid');
  });

  await t.test('are used for at most an hour while the service is unavailable', async (t) => {
    const service = await createFakeService();
    const { verify } = startVerifier(t, ISSUER, { fetch: service.fetch });
    const token = await service.sign({ exp: Math.floor(Date.now() / 1000) + 10_000 });
    t.equal(await outcome(verify(token)), 'accepted');
    service.setKeysUp(false);
    mock.timers.tick(3_599_000);
    t.equal(await outcome(verify(token)), 'accepted');
    const { keys } = service.calls;
    t.equal(await outcome(verify(token)), 'accepted');
    t.equal(service.calls.keys, keys, 'not every request fetches the keys again');
    mock.timers.tick(1_000);
    t.equal(await outcome(verify(token)), 'unavailable');
  });

  await t.test(
    'delay one request at most while the service accepts connections and does not answer',
    async (t) => {
      const service = await createFakeService();
      let isStuck = false;
      const waiting: AbortSignal[] = [];
      const stuck: typeof fetch = (input, init) => {
        const signal = init?.signal;
        if (!isStuck || !signal) return service.fetch(input, init);
        waiting.push(signal);
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      };
      const { verify } = startVerifier(t, ISSUER, { fetch: stuck });
      const token = await service.sign({ exp: Math.floor(Date.now() / 1000) + 10_000 });
      t.equal(await outcome(verify(token)), 'accepted');
      service.setKeysUp(false);
      mock.timers.tick(300_000);
      t.equal(await outcome(verify(token)), 'accepted', 'the first failure');
      isStuck = true;
      mock.timers.tick(1_000);
      t.equal(await outcome(verify(token)), 'accepted');
      t.match(waiting, [{ aborted: false }], 'the request did not wait for the next attempt');
    },
  );

  await t.test('are fetched once a second at most, whatever their max-age is', async (t) => {
    const service = await createFakeService();
    const uncached: typeof fetch = async (input, init) => {
      const answer = await service.fetch(input, init);
      return new Response(answer.body, { headers: { 'cache-control': 'max-age=0' } });
    };
    const { verify } = startVerifier(t, ISSUER, { fetch: uncached });
    const token = await service.sign();
    for (let request = 0; request < 5; request += 1) t.equal(await outcome(verify(token)), 'accepted');
    t.equal(service.calls.keys, 1);
    mock.timers.tick(1_000);
    t.equal(await outcome(verify(token)), 'accepted');
    t.equal(service.calls.keys, 2);
  });

  await t.test('are fetched for an unknown key id, but not again at once', async (t) => {
    const service = await createFakeService();
    const { verify } = startVerifier(t, ISSUER, { fetch: service.fetch });
    const unknown = await service.sign({}, { kid: '2' });
    await outcome(verify(unknown));
    mock.timers.tick(10_000);
    await Promise.all([outcome(verify(unknown)), outcome(verify(unknown))]);
    await outcome(verify(unknown));
    t.equal(service.calls.keys, 2);
  });

  await t.test('are requested once a second during an outage, also for unknown key ids', async (t) => {
    const service = await createFakeService();
    service.setKeysUp(false);
    const { verify } = startVerifier(t, ISSUER, { fetch: service.fetch });
    const token = await service.sign();
    for (let request = 0; request < 5; request += 1) t.equal(await outcome(verify(token)), 'unavailable');
    t.equal(service.calls.keys, 1, 'no key was ever fetched');
    service.setKeysUp(true);
    mock.timers.tick(1_000);
    t.equal(await outcome(verify(token)), 'accepted');
    service.setKeysUp(false);
    mock.timers.tick(10_000);
    const unknown = await service.sign({}, { kid: '2' });
    for (let request = 0; request < 5; request += 1) t.equal(await outcome(verify(unknown)), 'unavailable');
    t.equal(service.calls.keys, 3, 'the keys are older than ten seconds');
  });
});

t.test('the stream', async (t) => {
  const open = async (more: Partial<NonNullable<VerifierOptions['revocations']>> = {}) => {
    const service = await createFakeService();
    const failures: string[] = [];
    const onError = (error: unknown) => void failures.push(String(error));
    const made = startVerifier(t, ISSUER, {
      fetch: service.fetch,
      revocations: { ...revocations, onError, ...more },
    });
    await waitBriefly();
    return { ...service, ...made, failures, token: await service.sign() };
  };

  await t.test('is read whatever its pieces are', async (t) => {
    const { write, verify, token, ready } = await open();
    t.equal(await outcome(verify(token)), 'unavailable', 'the list is not known yet');
    for (const char of `: hi\n\n${READY}`) write(char);
    await ready;
    t.equal(await outcome(verify(token)), 'accepted');
    for (const char of endedEvent()) write(char);
    await waitBriefly();
    t.equal(await outcome(verify(token)), 'session_ended');
  });

  await t.test('is opened again after its end, and known sessions stay known', async (t) => {
    const { write, verify, token, ready, streams, calls } = await open();
    write(READY + endedEvent());
    await ready;
    await waitBriefly();
    streams[0]?.close();
    await waitForValue('another stream', async () => (calls.streams > 1 ? true : undefined));
    t.equal(await outcome(verify(token)), 'session_ended');
    write(READY);
    await waitBriefly();
    t.equal(await outcome(verify(token)), 'session_ended', 'although the new stream does not contain it');
  });

  await t.test('counts as lost after the time of `lostAfter` without a byte', async (t) => {
    const { write, verify, token, ready, streams } = await open({ lostAfter: 200 });
    write(READY);
    await ready;
    t.equal(await outcome(verify(token)), 'accepted');
    streams[0]?.error(new Error('cut'));
    t.equal(await outcome(verify(token)), 'accepted', 'for a while');
    await new Promise((resolve) => setTimeout(resolve, 250));
    t.equal(await outcome(verify(token)), 'unavailable');
    write(': heartbeat\n\n');
    await waitBriefly();
    t.equal(await outcome(verify(token)), 'unavailable', 'a new stream counts once it is ready');
    write(READY);
    await waitBriefly();
    t.equal(await outcome(verify(token)), 'accepted');
  });

  await t.test('counts as lost if it has more sessions than fit', async (t) => {
    const { write, verify, token, ready, failures } = await open({ maxSessions: 2 });
    write(READY);
    await ready;
    for (const digit of ['1', '2', '3']) write(endedEvent(SID.replace('bd4e', `bd4${digit}`)));
    await waitBriefly();
    t.equal(await outcome(verify(token)), 'unavailable');
    t.match(failures, [/maxSessions/]);
  });

  await t.test(
    'does not cover tokens with a longer lifetime than the announced `accessTokenAge`',
    async (t) => {
      const { write, verify, sign, ready } = await open();
      write(READY);
      await ready;
      const now = Math.floor(Date.now() / 1000);
      t.equal(await outcome(verify(await sign({ iat: now, exp: now + 901 }))), 'unavailable');
    },
  );

  await t.test('is closed after 40 seconds of silence', async (t) => {
    mock.timers.enable({ apis: ['Date', 'setInterval'], now: Date.now() });
    t.teardown(() => mock.timers.reset());
    const { write, failures, ready, calls } = await open();
    write(READY);
    await ready;
    mock.timers.tick(39_000);
    t.same(failures, []);
    mock.timers.tick(2_000);
    await waitForValue('another stream', async () => (calls.streams > 1 ? true : undefined));
    t.match(failures, [/silent/]);
  });

  await t.test('counts as lost after an event of an undocumented form', async (t) => {
    const { write, verify, token, ready, failures } = await open();
    write(READY);
    await ready;
    write('data: {"sid":"x","revokedAt":"2026-01-02T03:04:05.678Z"}\n\n');
    await waitBriefly();
    t.equal(await outcome(verify(token)), 'unavailable');
    t.match(failures, [/not as documented/]);
  });

  await t.test(
    'is not opened again after the application has closed it, and no failure is reported',
    async (t) => {
      const { write, failures, ready, close, calls } = await open();
      write(READY);
      await ready;
      close();
      await new Promise((resolve) => setTimeout(resolve, 300));
      t.same(failures, []);
      t.equal(calls.streams, 1);
    },
  );

  await t.test('is closed if an event does not end', async (t) => {
    const { write, failures, ready, calls } = await open();
    write(READY);
    await ready;
    write('x'.repeat(20_000));
    await waitForValue('another stream', async () => (calls.streams > 1 ? true : undefined));
    t.match(failures, [/too long/]);
  });
});

t.test('a service key that is not set is an error of the application', (t) => {
  const options = { issuer: 'https://auth.example.com', audience: 'kinship' };
  for (const serviceKey of ['', undefined as unknown as string])
    t.throws(() => createVerifier({ ...options, revocations: { serviceKey, whenLost: 'accept' } }), {
      name: 'TypeError',
      message:
        'revocations.serviceKey is missing: set it to the secret of a service key with the scope verify.',
    });
  t.end();
});

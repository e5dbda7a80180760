import { generateKeyPairSync } from 'node:crypto';
import { createMemoryUsedProofs } from '../../../src/adapters/memory/used-proofs.ts';
import { connectRedis } from '../../../src/adapters/redis/connect.ts';
import { createRedisUsedProofs } from '../../../src/adapters/redis/used-proofs.ts';
import { athOf, type ProofKey, proofKey, proofOf } from '../../support/dpop.ts';
import { NOW } from '../../support/families.ts';
import { asymmetric, claimsOf, encode, hmac, modifyToken, unsigned } from '../../support/forge.ts';
import { requireRedis, testPrefix } from '../../support/redis.ts';
import {
  assertRefreshable,
  assertUnchanged,
  databaseTest,
  outboxLinesOf,
  outcomeOf,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const REFRESH = '/auth/refresh';
const refused = '401 invalid_dpop_proof';

/** A session that is bound to the key. */
async function openBound(service: ServiceOnDatabase, key: ProofKey) {
  return service.open({ query: `&dpopJkt=${key.jkt}` });
}

/** Invalid proofs. A number at the beginning of a name is that of the violated check in RFC 9449 section 4.3. */
function violations(key: ProofKey, url: string, method: string, payload: Record<string, unknown> = {}) {
  const good = (values: Parameters<typeof proofOf>[4] = {}) =>
    proofOf(key, method, url, NOW, { ...values, payload: { ...payload, ...values.payload } });
  const other = proofKey();
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const deep = JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`);
  return {
    '1 two proofs in one field': `${good()}, ${good()}`,
    '2 no JWT': 'proof',
    '2 a JWT of two segments': good().split('.').slice(0, 2).join('.'),
    '2 a payload that is a list': `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk })}.${encode([])}.AA`,
    '3 no jti': good({ payload: { jti: undefined } }),
    '3 no htm': good({ payload: { htm: undefined } }),
    '3 no htu': good({ payload: { htu: undefined } }),
    '3 no iat': good({ payload: { iat: undefined } }),
    '4 the type of an access token': good({ header: { typ: 'at+jwt' } }),
    '5 the algorithm none': good({ header: { alg: 'none' }, sign: unsigned }),
    '5 HMAC under the public key': good({
      header: { alg: 'HS256' },
      sign: hmac(JSON.stringify(key.jwk), 'sha256'),
    }),
    '6 the signature of another key': good({ sign: other.sign }),
    '6 no signature': good({ sign: unsigned }),
    '6 a payload that was changed': good().replace(/\.[^.]+\./, `.${good().split('.')[1]}.`),
    '7 a key with its private part': good({ header: { jwk: key.privateKey.export({ format: 'jwk' }) } }),
    '8 another method': proofOf(key, method === 'GET' ? 'POST' : 'GET', url, NOW, { payload }),
    '9 another path': proofOf(key, method, `${url}/`, NOW, { payload }),
    '9 another host': proofOf(key, method, url.replace('127.0.0.1', 'evil.example'), NOW, { payload }),
    '9 another scheme': proofOf(key, method, url.replace('http:', 'https:'), NOW, { payload }),
    '9 another port': proofOf(key, method, url.replace(/:\d+/, ':1'), NOW, { payload }),
    '11 from too long ago': proofOf(key, method, url, NOW - 66_000, { payload }),
    '11 from the future': proofOf(key, method, url, NOW + 67_000, { payload }),
    '12 another key': proofOf(other, method, url, NOW, { payload }),
    '12 another key of another type': good({
      header: { alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }) },
      sign: asymmetric('sha256', rsa.privateKey),
    }),
    'a deep jti': good({ payload: { jti: deep } }),
    'a deep key': good({ header: { jwk: { ...key.jwk, x: deep } } }),
    'a huge proof': good({ payload: { filler: 'x'.repeat(7_000) } }),
    'an empty proof': '',
  };
}

databaseTest(
  'no proof that violates one check refreshes a bound session, and the session lives',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql);
    const key = proofKey();
    const pair = await openBound(service, key);
    const url = `${service.url}${REFRESH}`;
    // The notice of row 2b is recorded once a day, so the first one must be recorded before the comparison.
    await service.post(REFRESH, pair);
    t.same(await outboxLinesOf(sql, pair.refreshToken), [
      'event sessions.dpop_refused',
      'event sessions.started',
      'mail sessions.dpop_refused',
    ]);
    for (const [name, dpop] of Object.entries(violations(key, url, 'POST'))) {
      const answer = await assertUnchanged(t, sql, () => service.post(REFRESH, pair, { dpop }), name);
      t.equal(outcomeOf(answer), refused, name);
    }
    const answer = await service.post(REFRESH, pair, { dpop: proofOf(key, 'POST', url, NOW) });
    t.equal(answer.status, 200, 'the session lives');
  },
);

databaseTest('no proof that violates one check opens a protected route', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const key = proofKey();
  const { accessToken } = await openBound(service, key);
  const url = `${service.url}/auth/me`;
  const ath = athOf(accessToken);
  const send = (dpop: string) =>
    service.send('/auth/me', { headers: { authorization: `DPoP ${accessToken}`, dpop } });
  const proofs = {
    ...violations(key, url, 'GET', { ath }),
    '12 no ath': proofOf(key, 'GET', url, NOW),
    '12 the ath of another token': proofOf(key, 'GET', url, NOW, { payload: { ath: athOf('other') } }),
  };
  for (const [name, dpop] of Object.entries(proofs))
    t.equal(outcomeOf(await assertUnchanged(t, sql, () => send(dpop), name)), refused, name);
  t.equal((await send(proofOf(key, 'GET', url, NOW, { payload: { ath } }))).status, 200);
});

databaseTest(
  'a thief with the pair cannot use or take over the session, or end all sessions',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql);
    const [key, thief] = [proofKey(), proofKey()];
    const old = await openBound(service, key);
    const proof = (by: ProofKey, path = REFRESH) => proofOf(by, 'POST', `${service.url}${path}`, NOW);
    const pair = await service.next(old, { dpop: proof(key) });
    await service.post(REFRESH, old);
    for (const tokens of [old, pair])
      for (const headers of [{}, { dpop: proof(thief) }]) {
        const send = () => service.post(REFRESH, tokens, headers as Record<string, string>);
        t.equal(outcomeOf(await assertUnchanged(t, sql, send, 'a refresh')), refused);
      }
    const login = await service.post('/auth/login', {}, { dpop: proof(thief, '/auth/login') });
    t.equal(login.status, 400);
    const out = () => service.post('/auth/logout?scope=all', { refreshToken: pair.refreshToken });
    t.equal(outcomeOf(await assertUnchanged(t, sql, out, 'a logout everywhere')), refused);
    t.ok((await service.next(pair, { dpop: proof(key) })).refreshToken, 'the session of the owner continues');
  },
);

databaseTest('a token of a bound session is refused if it names no key or another key', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql);
  const [key, thief] = [proofKey(), proofKey()];
  const pair = await service.open({ query: `&binding=refresh&dpopJkt=${key.jkt}` });
  const url = `${service.url}${REFRESH}`;
  const sign = service.sign.refresh;
  const forged: Record<string, [string, string | null, string]> = {
    'no cnf': [
      modifyToken(pair.refreshToken, { claims: { cnf: undefined } }, sign),
      null,
      '401 invalid_token',
    ],
    'the key of the thief': [
      modifyToken(pair.refreshToken, { claims: { cnf: { jkt: thief.jkt } } }, sign),
      proofOf(thief, 'POST', url, NOW),
      '401 invalid_token',
    ],
    'a cnf of another shape': [
      modifyToken(pair.refreshToken, { claims: { cnf: { jkt: 'x' } } }, sign),
      proofOf(key, 'POST', url, NOW),
      '400 malformed_token',
    ],
  };
  for (const [name, [refreshToken, dpop, wanted]] of Object.entries(forged)) {
    const send = () => service.post(REFRESH, { refreshToken }, dpop === null ? {} : { dpop });
    t.equal(outcomeOf(await assertUnchanged(t, sql, send, name)), wanted, name);
  }
  const unbound = await service.open({ query: '&binding=refresh' });
  const bindTo = modifyToken(unbound.refreshToken, { claims: { cnf: { jkt: thief.jkt } } }, sign);
  const dpop = proofOf(thief, 'POST', url, NOW);
  const send = () => service.post(REFRESH, { refreshToken: bindTo }, { dpop });
  t.equal(
    outcomeOf(await assertUnchanged(t, sql, send, 'a key for an unbound session')),
    '401 invalid_token',
  );
  await assertRefreshable(t, service, { refreshToken: unbound.refreshToken });
});

databaseTest('a proof is accepted once across all replicas', async (t, sql) => {
  const url = await requireRedis(t);
  if (url === null) return;
  const redis = await connectRedis(url, { info() {}, warn() {}, error() {} });
  t.teardown(() => redis.disconnect());
  const usedProofs = createRedisUsedProofs(redis, { prefix: testPrefix(t, redis) });
  const publicUrl = 'https://auth.example.com';
  const settings = { http: { publicUrl }, usedProofs };
  const one = await serviceOnDatabase(t, sql, settings);
  const other = await serviceOnDatabase(t, sql, { ...settings, keys: one.keys });
  const key = proofKey();
  const { accessToken } = await openBound(one, key);
  const payload = { ath: athOf(accessToken) };
  const proofs = Array.from({ length: 10 }, () =>
    proofOf(key, 'GET', `${publicUrl}/auth/me`, NOW, { payload }),
  );
  const answers = await Promise.all(
    proofs.flatMap((dpop) =>
      [one, other, one, other].map((service) =>
        service.send('/auth/me', { headers: { authorization: `DPoP ${accessToken}`, dpop } }),
      ),
    ),
  );
  const outcomes = answers.map(outcomeOf);
  t.equal(outcomes.filter((outcome) => outcome === '200').length, 10);
  t.equal(outcomes.filter((outcome) => outcome === refused).length, 30);
});

databaseTest('proofs without a valid session are not stored', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, {
    usedProofs: createMemoryUsedProofs({ maxEntries: 2 }),
  });
  const [key, stranger] = [proofKey(), proofKey()];
  const pair = await openBound(service, key);
  const strange = (path: string) => ({ dpop: proofOf(stranger, 'POST', `${service.url}${path}`, NOW) });
  for (let times = 0; times < 5; times += 1) {
    await service.post(REFRESH, pair, strange(REFRESH));
    await service.post('/auth/login', { username: 'ann', password: 'a guess' }, strange('/auth/login'));
    await service.post(REFRESH, { refreshToken: 'x' }, strange(REFRESH));
  }
  const dpop = proofOf(key, 'POST', `${service.url}${REFRESH}`, NOW);
  t.equal((await service.post(REFRESH, pair, { dpop })).status, 200);
  t.same(claimsOf(pair.refreshToken).cnf, { jkt: key.jkt });
});

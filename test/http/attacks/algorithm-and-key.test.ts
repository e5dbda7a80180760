import { createHash, generateKeyPairSync } from 'node:crypto';
import type { Test } from 'tap';
import { countingListener } from '../../support/counting-listener.ts';
import { eachOf } from '../../support/each-of.ts';
import {
  asymmetric,
  type Changes,
  claimsOf,
  flipBits,
  headerOf,
  hmac,
  keyEncodings,
  makeKeyPair,
  modifyToken,
  resignToken,
  type Signer,
  signature,
  unsigned,
} from '../../support/forge.ts';
import {
  assertRefreshable,
  assertRefused,
  assertUnchanged,
  databaseTest,
  type Pair,
  refusal,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';
import { someKey, someKeys } from '../../support/sessions.ts';

/** Two pairs: in each, one half has these changes and the other half is genuine. */
function eitherHalf(service: ServiceOnDatabase, pair: Pair, name: string, changes: Changes, signer?: Signer) {
  const { refreshToken, accessToken } = pair;
  return {
    [`${name}, refresh token`]: {
      ...pair,
      refreshToken: modifyToken(refreshToken, changes, signer ?? service.sign.refresh),
    },
    [`${name}, access token`]: {
      ...pair,
      accessToken: modifyToken(accessToken, changes, signer ?? service.sign.access),
    },
  };
}

async function victim(t: Test, sql: ServiceOnDatabase['sql']) {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  const forgeEither = (forgeries: readonly (readonly [string, Changes, Signer?])[]) =>
    Object.assign({}, ...forgeries.map((forgery) => eitherHalf(service, pair, ...forgery)));
  return { service, pair, forgeEither };
}

databaseTest('only the configured algorithm is accepted', async (t, sql) => {
  const { service, pair, forgeEither } = await victim(t, sql);
  const right = (hash: string): Signer => {
    const key = service.keys.refreshKeys[0]?.bytes ?? '';
    return hmac(key, hash);
  };
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  await assertRefused(t, service, refusal.invalid, {
    ...forgeEither([
      ['alg none, unsigned', { header: { alg: 'none' } }, unsigned],
      ['alg None, unsigned', { header: { alg: 'None' } }, unsigned],
      ['alg nOnE, unsigned', { header: { alg: 'nOnE' } }, unsigned],
      ['alg NONE, unsigned', { header: { alg: 'NONE' } }, unsigned],
      ['alg none, signed', { header: { alg: 'none' } }],
      ['no alg, unsigned', { header: { alg: undefined } }, unsigned],
      ['no alg, signed', { header: { alg: undefined } }],
      ['an empty alg', { header: { alg: '' } }],
      ['alg null', { header: { alg: null } }],
      ['alg as an array', { header: { alg: ['HS512'] } }],
      ['alg hs512', { header: { alg: 'hs512' } }],
      ['alg with a blank', { header: { alg: 'HS512 ' } }],
      ['alg RS256 without a signature', { header: { alg: 'RS256' } }, unsigned],
      ['alg RS256, signed with an unknown key', { header: { alg: 'RS256' } }, asymmetric('sha256', rsa)],
      ['the right alg, unsigned', {}, unsigned],
      ['the right alg, one byte of signature', {}, signature(new Uint8Array(1))],
      ['the right alg, zeros as signature', {}, signature(new Uint8Array(64))],
      ['typ left out', { header: { typ: undefined } }],
      ['typ JWT', { header: { typ: 'JWT' } }],
      ['typ spelt as a media type', { header: { typ: 'application/rt+jwt' } }],
    ]),
    'HS256 under the right key': {
      ...pair,
      refreshToken: modifyToken(pair.refreshToken, { header: { alg: 'HS256' } }, right('sha256')),
    },
    'HS384 under the right key': {
      ...pair,
      refreshToken: modifyToken(pair.refreshToken, { header: { alg: 'HS384' } }, right('sha384')),
    },
    'HS512 by its name, SHA-256 in fact': {
      ...pair,
      refreshToken: resignToken(pair.refreshToken, right('sha256')),
    },
    'half of the right signature': { ...pair, refreshToken: shortenMac(pair.refreshToken) },
  });
  await assertRefreshable(t, service, pair);
});

/** A valid MAC without its second half must not be accepted. */
function shortenMac(token: string): string {
  const [header, payload, mac = ''] = token.split('.');
  return `${header}.${payload}.${Buffer.from(mac, 'base64url').subarray(0, 32).toString('base64url')}`;
}

databaseTest('public or guessed keys sign no accepted token', async (t, sql) => {
  const { service, pair, forgeEither } = await victim(t, sql);
  const key = service.keys.refreshKeys[0]?.bytes ?? new Uint8Array();
  const publicTexts = (['rsa', 'ec', 'ed25519'] as const).flatMap((type) =>
    Object.entries(keyEncodings(makeKeyPair(type).publicKey)).map(
      ([form, bytes]) => [`the ${form} of a public ${type} key`, bytes] as const,
    ),
  );
  const guesses = {
    'an empty key': '',
    'a blank': ' ',
    secret: 'secret',
    'the key id': 'refresh-1',
    'zeros of the right length': new Uint8Array(64),
    'the key in hex': Buffer.from(key).toString('hex'),
    'the key in base64': Buffer.from(key).toString('base64'),
    'the hash of the key': createHash('sha512').update(key).digest(),
    'the first half of the key': key.subarray(0, 32),
    'the header itself': pair.refreshToken.split('.')[0] ?? '',
  };
  await assertRefused(
    t,
    service,
    refusal.invalid,
    forgeEither(
      [...publicTexts, ...Object.entries(guesses)].flatMap(([name, bytes]) => [
        [`signed with ${name}`, {}, hmac(bytes)],
        [`signed with ${name} under HS256`, { header: { alg: 'HS256' } }, hmac(bytes, 'sha256')],
      ]),
    ),
  );
  await assertRefreshable(t, service, pair);
});

databaseTest('degenerate ECDSA and EdDSA signatures are refused', async (t, sql) => {
  const { service, pair, forgeEither } = await victim(t, sql);
  const derZero = Buffer.from('3006020100020100', 'hex');
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  const cases = [
    ['ES256', 64],
    ['ES384', 96],
    ['ES512', 132],
  ].flatMap(([alg, length]) => [
    [`${alg}, r = s = 0`, { header: { alg } }, signature(new Uint8Array(Number(length)))] as const,
    [`${alg}, r = s = 0 in DER`, { header: { alg } }, signature(derZero)] as const,
  ]);
  await assertRefused(
    t,
    service,
    refusal.invalid,
    forgeEither([
      ...cases,
      [
        'ES256, r and s the order of the curve',
        { header: { alg: 'ES256' } },
        signature(Buffer.concat([order, order])),
      ],
      ['EdDSA, zeros', { header: { alg: 'EdDSA' } }, signature(new Uint8Array(64))],
    ]),
  );
  await assertRefreshable(t, service, pair);
});

databaseTest(
  'a token with a key or the URL of a key is refused, and the URL is never fetched',
  async (t, sql) => {
    const { service, pair, forgeEither } = await victim(t, sql);
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = publicKey.export({ format: 'jwk' });
    const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const secret = Buffer.from('a secret of the attacker, long enough for any MAC there is, and more');
    const oct = { kty: 'oct', k: secret.toString('base64url'), alg: 'HS512', kid: 'refresh-1' };
    const listener = await countingListener(t, { keys: [oct, { ...jwk, kid: 'refresh-1' }] });
    const es256 = asymmetric('sha256', privateKey);
    const own = hmac(secret);
    await assertRefused(
      t,
      service,
      refusal.invalid,
      forgeEither([
        ['jwk, symmetric', { header: { jwk: oct } }, own],
        ['jwk, asymmetric', { header: { alg: 'ES256', jwk } }, es256],
        ['jku', { header: { jku: listener.url } }, own],
        ['jku, asymmetric', { header: { alg: 'ES256', jku: listener.url } }, es256],
        ['x5u', { header: { alg: 'ES256', x5u: listener.url } }, es256],
        ['x5c', { header: { alg: 'ES256', x5c: [der] } }, es256],
        ['x5t', { header: { x5t: 'AAAA' } }, own],
        ['a kid that is an address', { header: { kid: listener.url } }, own],
        ['an iss that is an address', { claims: { iss: listener.url } }, own],
        // also with the right key: a header with more members than this service writes is refused
        ['jwk, and the right signature', { header: { jwk: oct } }],
        ['jku, and the right signature', { header: { jku: listener.url } }],
      ]),
    );
    t.equal(listener.connections, 0, 'no key URL was requested');
    t.equal((await fetch(listener.url)).status, 200, 'a server listens at the key URL');
    t.equal(listener.connections, 1, 'and counts its requests');
    await assertRefreshable(t, service, pair);
  },
);

databaseTest('the key id only selects a configured key', async (t, sql) => {
  const { service, pair, forgeEither } = await victim(t, sql);
  const kids: readonly unknown[] = [
    undefined,
    '',
    ' ',
    'refresh-2',
    'Refresh-1',
    'refresh-1\u0000',
    'refresh-1 ',
    '../../dev/null',
    '/dev/null',
    "x' UNION SELECT '1",
    '|sleep 10',
    '$(sleep 10)',
    '__proto__',
    'constructor',
    'toString',
    null,
    0,
    true,
    ['refresh-1'],
    { id: 'refresh-1' },
  ];
  await assertRefused(
    t,
    service,
    refusal.invalid,
    forgeEither(
      kids.flatMap((kid) => [
        [`kid ${JSON.stringify(kid)}, the right key`, { header: { kid } }],
        [`kid ${JSON.stringify(kid)}, an empty key`, { header: { kid } }, hmac('')],
      ]),
    ),
  );
  await assertRefreshable(t, service, pair);
});

databaseTest('a token under a retired key is refused', async (t, sql) => {
  const keys = someKeys();
  const before = await serviceOnDatabase(t, sql, { keys });
  const pair = await before.open();
  const rotated = { ...keys, refreshKeys: [someKey('refresh-2'), ...keys.refreshKeys] };
  const during = await serviceOnDatabase(t, sql, { keys: rotated });
  const second = await during.next(pair);
  t.equal(
    headerOf(second.refreshToken).kid,
    'refresh-2',
    'the newest key signs, and the older key is still accepted',
  );

  const other = await during.open();
  const old = modifyToken(other.refreshToken, { header: { kid: 'refresh-1' } }, before.sign.refresh);
  const after = await serviceOnDatabase(t, sql, {
    keys: { ...keys, refreshKeys: rotated.refreshKeys.slice(0, 1) },
  });
  await assertRefused(t, after, refusal.invalid, {
    'a genuine token under the retired key': pair,
    'a new token signed with the retired key': { ...other, refreshToken: old },
    'signed with the retired key under the id of the new key': {
      ...other,
      refreshToken: resignToken(other.refreshToken, before.sign.refresh),
    },
  });
  await assertRefreshable(t, after, other);
  await assertRefreshable(t, after, second);
});

databaseTest('a token with critical extensions or additional header members is refused', async (t, sql) => {
  const { service, pair, forgeEither } = await victim(t, sql);
  await assertRefused(
    t,
    service,
    refusal.invalid,
    forgeEither([
      ['crit that names exp', { header: { crit: ['exp'], exp: 4_102_444_800 } }],
      [
        'crit that names an unknown extension',
        { header: { crit: ['http://evil.example/x'], 'http://evil.example/x': 1 } },
      ],
      ['an empty crit', { header: { crit: [] } }],
      ['crit null', { header: { crit: null } }],
      ['b64 false', { header: { b64: false, crit: ['b64'] } }],
      ['b64 false, not critical', { header: { b64: false } }],
      ['b64 true', { header: { b64: true, crit: ['b64'] } }],
      ['zip', { header: { zip: 'DEF' } }],
      ['cty', { header: { cty: 'JWT' } }],
    ]),
  );
  await assertRefreshable(t, service, pair);
});

databaseTest('access and refresh tokens, and their keys, are not interchangeable', async (t, sql) => {
  const { service, pair } = await victim(t, sql);
  const { refreshToken, accessToken } = pair;
  const { sign: own } = service;
  const kid = { access: headerOf(accessToken).kid, refresh: headerOf(refreshToken).kid };
  const asRefresh = { header: { typ: 'rt+jwt' } };
  await assertRefused(t, service, refusal.invalid, {
    'the halves swapped': { refreshToken: accessToken, accessToken: refreshToken },
    'the access token as both': { refreshToken: accessToken, accessToken },
    'the refresh token as both': { refreshToken, accessToken: refreshToken },
    'the access token as refresh token, alone': { refreshToken: accessToken },
    'a refresh token signed with the access key': {
      ...pair,
      refreshToken: resignToken(refreshToken, own.access),
    },
    'the same under the name of the access key': {
      ...pair,
      refreshToken: modifyToken(refreshToken, { header: { kid: kid.access } }, own.access),
    },
    'an access token signed with the refresh key': {
      ...pair,
      accessToken: resignToken(accessToken, own.refresh),
    },
    'the same under the name of the refresh key': {
      ...pair,
      accessToken: modifyToken(accessToken, { header: { kid: kid.refresh } }, own.refresh),
    },
    'an access token with the claims of a refresh token': {
      ...pair,
      refreshToken: modifyToken(accessToken, { claims: claimsOf(refreshToken), ...asRefresh }, own.access),
    },
    'a refresh token that says it is an access token': {
      ...pair,
      refreshToken: modifyToken(refreshToken, { header: { typ: 'at+jwt' } }, own.refresh),
    },
    'the halves of another service': await pairOfAnotherService(t, sql),
  });
  await assertRefused(t, service, refusal.malformed, {
    'an access token retyped as refresh token': {
      ...pair,
      refreshToken: modifyToken(accessToken, asRefresh, own.refresh),
    },
  });
  await assertRefreshable(t, service, pair);
});

/** A pair of another service with the same issuer and audience, but with its own database and keys. */
async function pairOfAnotherService(t: Test, sql: ServiceOnDatabase['sql']): Promise<Pair> {
  return (await serviceOnDatabase(t, sql)).open();
}

databaseTest(
  'with a leaked signing key alone no token can be forged and no session can be ended',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql, { policy: { retryWindow: 60_000 } });
    const first = await service.open();
    const pair = await service.next(await service.next(first));
    const { jti, linkerId } = claimsOf(first.refreshToken);
    const forgeries: readonly (readonly [string, Record<string, unknown>])[] = [
      ...[0, 1, 2, 3, 1_000].flatMap((generation) => [
        [
          `generation ${generation}, ids of its own`,
          { generation, jti: someId(1), linkerId: someId(2) },
        ] as const,
        [`generation ${generation}, the linkerId of the pair`, { generation, jti: someId(1) }] as const,
      ]),
      ['an earlier generation with the ids of the current pair', { generation: 1 }],
      ['a later generation with the ids of the current pair', { generation: 3 }],
      ['the current generation under the ids of the first', { jti, linkerId }],
      ['the ids of the current pair for another user', { sub: someId(3) }],
      ['the ids of the current pair for another session', { tokenFamily: someId(4) }],
    ];
    await assertRefused(
      t,
      service,
      refusal.invalid,
      Object.fromEntries(
        forgeries.flatMap(([name, claims]) => {
          const refreshToken = modifyToken(pair.refreshToken, { claims }, service.sign.refresh);
          const unpaired = { claims: { ...claims, at_hash: undefined } };
          return [
            [name, { ...pair, refreshToken }],
            [
              `${name}, alone`,
              { refreshToken: modifyToken(pair.refreshToken, unpaired, service.sign.refresh) },
            ],
          ];
        }),
      ),
    );
    await assertRefreshable(t, service, pair);
  },
);

const someId = (digit: number) => `${String(digit).repeat(8)}-1111-4111-8111-111111111111`;

databaseTest('a token with one flipped bit is refused', async (t, sql) => {
  const { service, pair } = await victim(t, sql);
  for (const half of ['refreshToken', 'accessToken'] as const) {
    const tokens = [...flipBits(pair[half])];
    const counts = new Map<string, number>();
    await assertUnchanged(
      t,
      sql,
      () =>
        eachOf(tokens, 8, async (token) => {
          const { status, body } = await service.post('/auth/refresh', { ...pair, [half]: token });
          counts.set(`${status} ${body.code}`, (counts.get(`${status} ${body.code}`) ?? 0) + 1);
        }),
      `${tokens.length} flips in the ${half}`,
    );
    const known = new Set<string>([refusal.malformed, refusal.invalid, refusal.mismatch]);
    t.same(
      [...counts.keys()].filter((outcome) => !known.has(outcome)),
      [],
      `${half}: all refused`,
    );
    t.ok((counts.get(refusal.invalid) ?? 0) > 100, `${half}: more than 100 are invalid tokens`);
  }
  await assertRefreshable(t, service, pair);
});

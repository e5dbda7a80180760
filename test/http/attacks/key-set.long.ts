import type { KeyObject } from 'node:crypto';
import type { Test } from 'tap';
import { readKeys } from '../../../src/adapters/jose/key-file.ts';
import { createKeySet } from '../../../src/adapters/jose/key-set.ts';
import type { KeyAlgorithm } from '../../../src/domain/key-set.ts';
import { countingListener } from '../../support/counting-listener.ts';
import { eachOf } from '../../support/each-of.ts';
import { NOW } from '../../support/families.ts';
import {
  asymmetric,
  type Changes,
  flipBits,
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
  outcomeOf,
  refusal,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const KINDS = {
  EdDSA: { type: 'ed25519', hash: null },
  ES256: { type: 'ec', hash: 'sha256' },
  RS256: { type: 'rsa', hash: 'sha256' },
} as const;

const ALGORITHMS = Object.keys(KINDS) as KeyAlgorithm[];

const signerOf = (alg: KeyAlgorithm, key: KeyObject): Signer => asymmetric(KINDS[alg].hash, key);

/** A service with a set of two signing keys. The test can sign with both. */
async function victim(t: Test, sql: ServiceOnDatabase['sql'], alg: KeyAlgorithm) {
  const [first, second] = [makeKeyPair(KINDS[alg].type), makeKeyPair(KINDS[alg].type)];
  const jwks = [first, second].map(({ privateKey }, index) => ({
    ...privateKey.export({ format: 'jwk' }),
    kid: `set-${index + 1}`,
  }));
  let reloads = 0;
  const ring = createKeySet({
    clock: () => NOW,
    timing: { outlast: 0 },
    reload: async () => {
      reloads += 1;
      await sql`select number from signing_keys`;
    },
  });
  ring.replace(await readKeys(JSON.stringify({ keys: jwks }), null));
  const service = await serviceOnDatabase(t, sql, {
    keySet: { signs: true, ring },
    publishedKeys: ring.published,
  });
  return {
    service,
    pair: await service.open(),
    publicKey: first.publicKey,
    own: signerOf(alg, first.privateKey),
    other: signerOf(alg, second.privateKey),
    reloads: () => reloads,
  };
}

type Victim = Awaited<ReturnType<typeof victim>>;
type Forgery = readonly [name: string, changes: Changes, signer?: Signer];

/** Asserts that each forgery is refused as either token of a refresh, and on a protected route. */
async function assertForgeriesRefused(
  t: Test,
  { service, pair, own }: Victim,
  forgeries: readonly Forgery[],
) {
  const { refreshToken, accessToken } = pair;
  for (const [name, changes, signer = own] of forgeries) {
    const access = modifyToken(accessToken, changes, signer);
    await assertRefused(t, service, refusal.invalid, {
      [`${name}, access token`]: { refreshToken, accessToken: access },
      [`${name}, refresh token`]: { refreshToken: modifyToken(refreshToken, changes, signer), accessToken },
    });
    t.equal(outcomeOf(await callVerify(service, access)), '401 unauthenticated', `${name}: opens nothing`);
  }
}

const callVerify = (service: ServiceOnDatabase, token: string) =>
  service.send('/auth/verify', { headers: { authorization: `Bearer ${token}` } });

/** Asserts that the genuine pair is still accepted. Otherwise the refusals would prove nothing. */
async function assertUntouched(t: Test, { service, pair }: Victim): Promise<void> {
  t.equal((await callVerify(service, pair.accessToken)).status, 204, 'the genuine token is accepted');
  await assertRefreshable(t, service, pair);
}

for (const alg of ALGORITHMS) {
  databaseTest(`${alg}: a public key signs no accepted token`, async (t, sql) => {
    const attacked = await victim(t, sql, alg);
    const texts = Object.entries(keyEncodings(attacked.publicKey));
    const published = JSON.stringify(attacked.service.publishedKeys()[0]);
    await assertForgeriesRefused(
      t,
      attacked,
      [...texts, ['JWK as it is published', published] as const].flatMap(([form, bytes]): Forgery[] => [
        [`HS512 with the ${form}`, { header: { alg: 'HS512' } }, hmac(bytes)],
        [`HS256 with the ${form}`, { header: { alg: 'HS256' } }, hmac(bytes, 'sha256')],
        [`${alg} by its name, HMAC with the ${form} in fact`, {}, hmac(bytes)],
      ]),
    );
    await assertUntouched(t, attacked);
  });

  databaseTest(`${alg}: a key is accepted only with its own algorithm`, async (t, sql) => {
    const attacked = await victim(t, sql, alg);
    const others = ALGORITHMS.filter((one) => one !== alg);
    const foreignSigners = others.map(
      (one) => [one, signerOf(one, makeKeyPair(KINDS[one].type).privateKey)] as const,
    );
    await assertForgeriesRefused(t, attacked, [
      ['none', { header: { alg: 'none' } }, unsigned],
      ['no alg', { header: { alg: undefined } }],
      ['the right alg, unsigned', {}, unsigned],
      ['the right alg, zeros', {}, signature(new Uint8Array(alg === 'RS256' ? 256 : 64))],
      ['r = s = 0 in DER', {}, signature(Buffer.from('3006020100020100', 'hex'))],
      ['the other key of the set', {}, attacked.other],
      ['the name of the other key', { header: { kid: 'set-2' } }],
      [
        'HS512 with the HMAC key under the id of this key',
        { header: { alg: 'HS512' } },
        attacked.service.sign.access,
      ],
      ['the name of the HMAC key', { header: { kid: 'access-1' } }],
      ['ES512', { header: { alg: 'ES512' } }],
      ['PS256', { header: { alg: 'PS256' } }],
      ['Ed25519', { header: { alg: 'Ed25519' } }],
      ...foreignSigners.flatMap(([one, signer]): Forgery[] => [
        [`${one}, by a stranger, under this key`, { header: { alg: one } }, signer],
        [`${one} by its name, ${alg} in fact`, { header: { alg: one } }],
        [`${alg} by its name, ${one} in fact`, {}, signer],
      ]),
    ]);
    await assertUntouched(t, attacked);
  });

  databaseTest(`${alg}: keys and key URLs inside a token are ignored`, async (t, sql) => {
    const attacked = await victim(t, sql, alg);
    const { privateKey, publicKey } = makeKeyPair(KINDS[alg].type);
    const theirs = signerOf(alg, privateKey);
    const jwk = publicKey.export({ format: 'jwk' });
    const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const listener = await countingListener(t, { keys: [{ ...jwk, kid: 'set-1', alg }] });
    const { url } = listener;
    await assertForgeriesRefused(t, attacked, [
      ['jwk', { header: { jwk } }, theirs],
      ['jku', { header: { jku: url } }, theirs],
      ['jku and another kid', { header: { jku: url, kid: 'theirs' } }, theirs],
      ['x5u', { header: { x5u: url } }, theirs],
      ['x5c', { header: { x5c: [der] } }, theirs],
      ['a kid that is an address', { header: { kid: url } }, theirs],
      ['an iss that is an address', { claims: { iss: url } }],
      ['jwk, and the right signature', { header: { jwk } }],
      ['jku, and the right signature', { header: { jku: url } }],
      ['x5c, and the right signature', { header: { x5c: [der] } }],
      ['crit, and the right signature', { header: { crit: ['exp'], exp: 4_102_444_800 } }],
      ['b64 false, and the right signature', { header: { b64: false, crit: ['b64'] } }],
    ]);
    t.equal(listener.connections, 0, 'no key URL was requested');
    await fetch(url);
    t.equal(listener.connections, 1, 'a server listens at the key URL, and counts its requests');
    await assertUntouched(t, attacked);
  });
}

databaseTest('a token with an unknown key id is refused after the key set was read again', async (t, sql) => {
  const attacked = await victim(t, sql, 'EdDSA');
  const kids = [
    undefined,
    '',
    ' ',
    'set-3',
    'SET-1',
    'set-1\u0000',
    '../../dev/null',
    "x' UNION SELECT '1",
    '|sleep 10',
    '__proto__',
    'constructor',
    null,
    0,
    ['set-1'],
    { id: 'set-1' },
  ];
  await assertForgeriesRefused(
    t,
    attacked,
    kids.map((kid): Forgery => [`kid ${JSON.stringify(kid)}`, { header: { kid } }]),
  );
  t.ok(attacked.reloads() > 0, 'the key set was read again');
  await assertUntouched(t, attacked);
});

databaseTest('degenerate ECDSA signatures under an ECDSA key are refused', async (t, sql) => {
  const attacked = await victim(t, sql, 'ES256');
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  const one = Buffer.alloc(32, 0).fill(1, 31);
  const zero = Buffer.alloc(32);
  await assertForgeriesRefused(
    t,
    attacked,
    [
      ['r = s = 0', [zero, zero]],
      ['r = s = the order', [order, order]],
      ['r = 0', [zero, one]],
      ['s = 0', [one, zero]],
      ['r = s = 1', [one, one]],
    ].map(([name, parts]): Forgery => [String(name), {}, signature(Buffer.concat(parts as Buffer[]))]),
  );
  await assertUntouched(t, attacked);
});

databaseTest('an asymmetric access token or its key yields no refresh token', async (t, sql) => {
  const attacked = await victim(t, sql, 'EdDSA');
  const { service, pair, own } = attacked;
  const { refreshToken, accessToken } = pair;
  await assertRefused(t, service, refusal.invalid, {
    'the halves swapped': { refreshToken: accessToken, accessToken: refreshToken },
    'a refresh token signed with the key of the set': {
      ...pair,
      refreshToken: modifyToken(refreshToken, { header: { alg: 'EdDSA', kid: 'set-1' } }, own),
    },
    'the same under the name of the refresh key': {
      ...pair,
      refreshToken: modifyToken(refreshToken, { header: { alg: 'EdDSA' } }, own),
    },
  });
  t.equal(outcomeOf(await callVerify(service, resignToken(refreshToken, own))), '401 unauthenticated');
  await assertUntouched(t, attacked);
});

databaseTest('an access token with one flipped bit is refused', async (t, sql) => {
  for (const alg of ['EdDSA', 'ES256'] as const) {
    const attacked = await victim(t, sql, alg);
    const tokens = [...flipBits(attacked.pair.accessToken)];
    const outcomes = new Set<string>();
    await assertUnchanged(
      t,
      sql,
      () =>
        eachOf(tokens, 8, async (token) => {
          outcomes.add(outcomeOf(await callVerify(attacked.service, token)));
        }),
      `${tokens.length} flips, ${alg}`,
    );
    t.same([...outcomes], ['401 unauthenticated']);
    await assertUntouched(t, attacked);
  }
});

import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { readKeys } from '../../src/adapters/jose/key-file.ts';
import { createTokenCodec } from '../../src/adapters/jose/token-codec.ts';
import { MAX_SESSION_CLAIMS, MAX_USER_CLAIMS } from '../../src/domain/claims.ts';
import { makeKeyPair } from '../support/forge.ts';
import { someKeys } from '../support/sessions.ts';

const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' });
const KEYS = {
  EdDSA: jwkOf(makeKeyPair('ed25519').privateKey),
  ES256: jwkOf(makeKeyPair('ec').privateKey),
  RS256: jwkOf(makeKeyPair('rsa').privateKey),
};
const read = (...keys: unknown[]) => readKeys(JSON.stringify({ keys }), null);

t.test('the first key signs, and all keys are published in order', async (t) => {
  const { d: _, ...publicPart } = KEYS.ES256;
  const keys = await read(
    { ...KEYS.EdDSA, kid: 'new', use: 'sig', key_ops: ['sign'] },
    KEYS.RS256,
    publicPart,
  );
  t.match(keys, [
    { id: 'new', alg: 'EdDSA', signsFrom: 0, publicKey: { kid: 'new', crv: 'Ed25519' } },
    { alg: 'RS256', signsFrom: Number.POSITIVE_INFINITY, publicKey: { kty: 'RSA', e: 'AQAB' } },
    { alg: 'ES256', sign: null },
  ]);
  t.match(keys[1]?.id, /^[\w-]{43}$/, 'a thumbprint where there is no kid');
  t.notMatch(JSON.stringify(keys.map(({ publicKey }) => publicKey)), /"(d|p|q|dp|dq|qi|key_ops)":/);
});

async function assertRefused(t: Test, reading: Promise<unknown>, reason: RegExp): Promise<void> {
  const error = await reading.then(
    () => new Error('it was read'),
    (refusal: Error) => refusal,
  );
  t.equal(error.name, 'UnusableKey');
  t.match(error.message, reason);
}

t.test('an RSA key of more than 3072 bits may verify, but not sign', async (t) => {
  const rsa = (modulusLength: number) => jwkOf(generateKeyPairSync('rsa', { modulusLength }).privateKey);
  const [largest, larger] = [rsa(3072), rsa(3080)];
  t.match(await read(largest, larger), [{ alg: 'RS256', signsFrom: 0 }, { alg: 'RS256' }]);
  await assertRefused(
    t,
    read(larger, largest),
    /^key 1 must sign, but is an RSA key of 3080 bits; the maximum of a key that signs is 3072$/,
  );
});

t.test('the largest access token under the largest RSA key that signs has at most 4 KiB', async (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const [key] = await read(jwkOf(rsa.privateKey));
  if (key === undefined) throw new Error('the key was not read');
  const ring = { current: () => key, find: () => key, fetchUnknownKey: async () => key };
  const codec = createTokenCodec({
    issuers: ['https://auth.example.com'],
    audiences: ['kinship'],
    ...someKeys(),
    keySet: { signs: true, ring },
  });
  const [userId, sid, hash] = ['x'.repeat(128), randomUUID(), 'x'.repeat(43)];
  // `ofUser` and `session` are claims of the largest size. The JSON around their texts has 13 and 14 bytes.
  const claims = {
    ofUser: 'x'.repeat(MAX_USER_CLAIMS - 13),
    session: 'x'.repeat(MAX_SESSION_CLAIMS - 14),
    sub: userId,
    userId,
    guid: userId,
    sid,
    session_id: sid,
    jti: hash,
    linkerId: hash,
    userIp: 'ffff:'.repeat(7).concat('ffff'),
    client_id: 'x'.repeat(64),
    cnf: { jkt: hash },
    iat: 1_800_000_000,
    exp: 1_800_000_900,
    auth_time: 1_800_000_000,
    amr: ['hwk', 'mfa'],
    acr: 'aal2',
  };
  const token = await codec.signAccess(claims, key.id);
  t.ok(token.length <= 4_096, `${token.length} characters`);
});

t.test('the error names an unusable key, and does not quote it', async (t) => {
  const { d: _, ...publicPart } = KEYS.EdDSA;
  const other = jwkOf(makeKeyPair('ed25519').privateKey);
  const weak = jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
  const p384 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey);
  for (const text of ['', 'secret', 'null', '[]', '{}', '{"keys":{}}', '{"keys":[]}', '{"keys":[null]}'])
    await assertRefused(t, readKeys(text, null), /^is not a JWK Set with at least one key$/);
  await assertRefused(t, read(publicPart), /^key 1 must sign, but has no private part/);
  await assertRefused(
    t,
    read({ ...KEYS.EdDSA, d: other.d }),
    /^key 1 (has a private part|is incomplete or malformed)/,
  );
  await assertRefused(
    t,
    read(KEYS.EdDSA, { ...KEYS.ES256, y: undefined }),
    /^key 2 is incomplete or malformed/,
  );
  await assertRefused(t, read({ ...KEYS.EdDSA, x: undefined }), /^key 1 is incomplete or malformed/);
  await assertRefused(t, read(weak), /^key 1 is an RSA key of 1024 bits; the minimum is 2048/);
  for (const jwk of [p384, { kty: 'oct', k: 'c2VjcmV0' }, {}])
    await assertRefused(t, read(jwk), /^key 1 is not for EdDSA/);
  await assertRefused(t, read({ ...KEYS.EdDSA, alg: 'ES256' }), /^key 1 is a key for EdDSA/);
  await assertRefused(t, read({ ...KEYS.EdDSA, use: 'enc' }), /^key 1 is not for signing/);
  await assertRefused(t, read(KEYS.EdDSA, KEYS.EdDSA), /^has two keys with the same kid/);
});

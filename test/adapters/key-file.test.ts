import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import t, { type Test } from 'tap';
import { readKeys } from '../../src/adapters/jose/key-file.ts';
import { makeKeyPair } from '../support/forge.ts';

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

import t from 'tap';
import { createKeyImport } from '../../packages/verify/src/proof-keys.ts';
import { proofKey } from '../support/dpop.ts';
import { makeKeyPair } from '../support/forge.ts';

const someKey = () => proofKey().jwk as Record<string, string>;

t.test('a key is imported once, with its thumbprint', async (t) => {
  const importKey = createKeyImport(2);
  const { jwk, jkt } = proofKey();
  const first = await importKey(jwk as Record<string, string>, 'ES256');
  t.equal(first.jkt, jkt);
  t.equal((await importKey({ ...jwk }, 'ES256')).key, first.key);
  t.not((await importKey(someKey(), 'ES256')).key, first.key);
});

t.test('an RSA key is imported separately for each algorithm', async (t) => {
  const importKey = createKeyImport(2);
  const { kty, n, e } = makeKeyPair('rsa').publicKey.export({ format: 'jwk' });
  const jwk = { kty: String(kty), n: String(n), e: String(e) };
  t.equal((await importKey(jwk, 'RS256')).key.algorithm.name, 'RSASSA-PKCS1-v1_5');
  t.equal((await importKey(jwk, 'PS256')).key.algorithm.name, 'RSA-PSS');
});

t.test('if there are more keys than fit, the most recently used keys are kept', async (t) => {
  const importKey = createKeyImport(2);
  const [one, two, three] = [someKey(), someKey(), someKey()];
  const importES256 = async (jwk: Record<string, string>) => (await importKey(jwk, 'ES256')).key;
  const [first, second] = [await importES256(one), await importES256(two)];
  t.equal(await importES256(one), first);
  const third = await importES256(three);
  t.equal(await importES256(one), first, 'the first key was used after the second key');
  t.equal(await importES256(three), third);
  t.not(await importES256(two), second, 'forgotten');
});

t.test('a key that is not valid is refused each time', async (t) => {
  const importKey = createKeyImport(2);
  const jwk = someKey();
  for (let times = 0; times < 2; times += 1) await t.rejects(importKey({ ...jwk, y: jwk.x ?? '' }, 'ES256'));
});

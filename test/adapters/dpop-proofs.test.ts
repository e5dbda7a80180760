import * as dpop from 'dpop';
import t from 'tap';
import { createDpopProofs } from '../../src/adapters/jose/dpop-proofs.ts';
import { DPOP_ALGORITHMS } from '../../src/domain/dpop.ts';
import { athOf, proofKey, proofOf } from '../support/dpop.ts';
import { asymmetric, encode, hmac, makeKeyPair, unsigned } from '../support/forge.ts';

const NOW = 1_800_000_000_500;
const URL_OF_REFRESH = 'https://auth.example.com/auth/refresh';
const proofs = createDpopProofs();
const key = proofKey();
type Values = Parameters<typeof proofOf>[4];
const made = (values: Values = {}) => proofOf(key, 'POST', URL_OF_REFRESH, NOW, values);

t.test('proofs of the package dpop are accepted, with each of its algorithms', async (t) => {
  for (const alg of ['ES256', 'Ed25519', 'RS256', 'PS256'] as const) {
    t.ok(DPOP_ALGORITHMS.includes(alg));
    const pair = await dpop.generateKeyPair(alg);
    const proof = await dpop.generateProof(pair, URL_OF_REFRESH, 'POST', 'a nonce', 'a token');
    const read = await proofs.read(proof);
    t.match(read, { htm: 'POST', htu: URL_OF_REFRESH, nonce: 'a nonce', ath: athOf('a token') }, alg);
    t.equal(read?.jkt, await dpop.calculateThumbprint(pair.publicKey), alg);
    t.equal(proofs.hashAccessToken('a token'), read?.ath);
  }
});

t.test('a proof is read together with the thumbprint of its key', async (t) => {
  const read = await proofs.read(made({ payload: { jti: 'one' } }));
  const iat = Math.floor(NOW / 1000);
  t.same(read, { jkt: key.jkt, jti: 'one', htm: 'POST', htu: URL_OF_REFRESH, iat, ath: null, nonce: null });
  const decorated = { ...key.jwk, kid: 'x', use: 'enc', alg: 'RS256', key_ops: ['sign'], ext: false };
  t.equal(
    (await proofs.read(made({ header: { jwk: decorated, kid: 'a' } })))?.jkt,
    key.jkt,
    'other members are ignored',
  );
});

t.test('anything but a valid DPoP proof is refused', async (t) => {
  const other = proofKey();
  const rsa = makeKeyPair('rsa');
  const rsaJwk = rsa.publicKey.export({ format: 'jwk' });
  const deep = `${'['.repeat(1_500)}${']'.repeat(1_500)}`;
  const refused: Record<string, string> = {
    nothing: '',
    'no JWS': 'proof',
    'two proofs': `${made()}, ${made()}`,
    'a fourth segment': `${made()}.x`,
    'another type': made({ header: { typ: 'JWT' } }),
    'no type': made({ header: { typ: undefined } }),
    'no algorithm': made({ header: { alg: undefined } }),
    'the algorithm none': made({ header: { alg: 'none' }, sign: unsigned }),
    'the algorithm none with a signature': made({ header: { alg: 'none' } }),
    'a symmetric algorithm under the public key': made({
      header: { alg: 'HS256' },
      sign: hmac(JSON.stringify(key.jwk), 'sha256'),
    }),
    'a symmetric key': made({
      header: { alg: 'HS256', jwk: { kty: 'oct', k: encode('secret') } },
      sign: hmac('secret', 'sha256'),
    }),
    'no key': made({ header: { jwk: undefined } }),
    'a key that is text': made({ header: { jwk: 'key' } }),
    'a list of keys': made({ header: { jwk: [key.jwk] } }),
    'an incomplete key': made({ header: { jwk: { ...key.jwk, y: undefined } } }),
    'a key of an unknown type': made({ header: { jwk: { ...key.jwk, kty: 'toString' } } }),
    'a point that is not on the curve': made({ header: { jwk: { ...key.jwk, y: key.jwk.x } } }),
    'the key of another party': made({ header: { jwk: other.jwk } }),
    'the signature of another key': made({ sign: other.sign }),
    'no signature': made({ sign: unsigned }),
    'a key by reference': made({ header: { jwk: undefined, jku: 'https://evil.example/jwks', kid: 'a' } }),
    'a critical extension': made({ header: { crit: ['b64'], b64: true } }),
    'an algorithm that does not fit the key': made({ header: { alg: 'RS256' } }),
    'an RSA key that does not fit ES256': made({
      header: { jwk: rsaJwk },
      sign: asymmetric('sha256', rsa.privateKey),
    }),
    'a short RSA key': made({ header: { alg: 'RS256', jwk: { ...rsaJwk, n: 'AQAB'.repeat(40) } } }),
    'an RSA key with a long exponent': made({
      header: { alg: 'RS256', jwk: { ...rsaJwk, e: rsaJwk.n } },
      sign: asymmetric('sha256', rsa.privateKey),
    }),
    'no jti': made({ payload: { jti: undefined } }),
    'an empty jti': made({ payload: { jti: '' } }),
    'a jti that is a number': made({ payload: { jti: 1 } }),
    'a long jti': made({ payload: { jti: 'j'.repeat(2_049) } }),
    'no htm': made({ payload: { htm: undefined } }),
    'no htu': made({ payload: { htu: undefined } }),
    'no iat': made({ payload: { iat: undefined } }),
    'an iat that is text': made({ payload: { iat: String(NOW / 1000) } }),
    'an ath that is no text': made({ payload: { ath: ['a'] } }),
    'a nonce that is no text': made({ payload: { nonce: 1 } }),
    'a deep header': `${encode(deep)}.${encode('{}')}.AA`,
    'a deep member': made({ header: { x: JSON.parse(deep) } }),
    'a huge proof': made({ payload: { filler: 'x'.repeat(100_000) } }),
  };
  for (const [name, proof] of Object.entries(refused)) t.equal(await proofs.read(proof), null, name);
  const secret = key.privateKey.export({ format: 'jwk' });
  t.equal(await proofs.read(made({ header: { jwk: secret } })), null, 'a key with its private member');
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
    t.equal(await proofs.read(made({ header: { jwk: { ...key.jwk, [member]: 'AQ' } } })), null, member);
});

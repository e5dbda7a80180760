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
const someProof = (values: Values = {}) => proofOf(key, 'POST', URL_OF_REFRESH, NOW, values);

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
  const read = await proofs.read(someProof({ payload: { jti: 'one' } }));
  const iat = Math.floor(NOW / 1000);
  t.same(read, { jkt: key.jkt, jti: 'one', htm: 'POST', htu: URL_OF_REFRESH, iat, ath: null, nonce: null });
  const decorated = { ...key.jwk, kid: 'x', use: 'enc', alg: 'RS256', key_ops: ['sign'], ext: false };
  t.equal(
    (await proofs.read(someProof({ header: { jwk: decorated, kid: 'a' } })))?.jkt,
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
    'two proofs': `${someProof()}, ${someProof()}`,
    'a fourth segment': `${someProof()}.x`,
    'another type': someProof({ header: { typ: 'JWT' } }),
    'no type': someProof({ header: { typ: undefined } }),
    'no algorithm': someProof({ header: { alg: undefined } }),
    'the algorithm none': someProof({ header: { alg: 'none' }, sign: unsigned }),
    'the algorithm none with a signature': someProof({ header: { alg: 'none' } }),
    'a symmetric algorithm under the public key': someProof({
      header: { alg: 'HS256' },
      sign: hmac(JSON.stringify(key.jwk), 'sha256'),
    }),
    'a symmetric key': someProof({
      header: { alg: 'HS256', jwk: { kty: 'oct', k: encode('secret') } },
      sign: hmac('secret', 'sha256'),
    }),
    'no key': someProof({ header: { jwk: undefined } }),
    'a key that is text': someProof({ header: { jwk: 'key' } }),
    'a list of keys': someProof({ header: { jwk: [key.jwk] } }),
    'an incomplete key': someProof({ header: { jwk: { ...key.jwk, y: undefined } } }),
    'a key of an unknown type': someProof({ header: { jwk: { ...key.jwk, kty: 'toString' } } }),
    'a point that is not on the curve': someProof({ header: { jwk: { ...key.jwk, y: key.jwk.x } } }),
    'the key of another party': someProof({ header: { jwk: other.jwk } }),
    'the signature of another key': someProof({ sign: other.sign }),
    'no signature': someProof({ sign: unsigned }),
    'a key by reference': someProof({
      header: { jwk: undefined, jku: 'https://evil.example/jwks', kid: 'a' },
    }),
    'a critical extension': someProof({ header: { crit: ['b64'], b64: true } }),
    'an algorithm that does not fit the key': someProof({ header: { alg: 'RS256' } }),
    'an RSA key that does not fit ES256': someProof({
      header: { jwk: rsaJwk },
      sign: asymmetric('sha256', rsa.privateKey),
    }),
    'a short RSA key': someProof({ header: { alg: 'RS256', jwk: { ...rsaJwk, n: 'AQAB'.repeat(40) } } }),
    'an RSA key with a long exponent': someProof({
      header: { alg: 'RS256', jwk: { ...rsaJwk, e: rsaJwk.n } },
      sign: asymmetric('sha256', rsa.privateKey),
    }),
    'no jti': someProof({ payload: { jti: undefined } }),
    'an empty jti': someProof({ payload: { jti: '' } }),
    'a jti that is a number': someProof({ payload: { jti: 1 } }),
    'a long jti': someProof({ payload: { jti: 'j'.repeat(2_049) } }),
    'no htm': someProof({ payload: { htm: undefined } }),
    'no htu': someProof({ payload: { htu: undefined } }),
    'no iat': someProof({ payload: { iat: undefined } }),
    'an iat that is text': someProof({ payload: { iat: String(NOW / 1000) } }),
    'an ath that is no text': someProof({ payload: { ath: ['a'] } }),
    'a nonce that is no text': someProof({ payload: { nonce: 1 } }),
    'a deep header': `${encode(deep)}.${encode('{}')}.AA`,
    'a deep member': someProof({ header: { x: JSON.parse(deep) } }),
    'a huge proof': someProof({ payload: { filler: 'x'.repeat(100_000) } }),
  };
  for (const [name, proof] of Object.entries(refused)) t.equal(await proofs.read(proof), null, name);
  const secret = key.privateKey.export({ format: 'jwk' });
  t.equal(await proofs.read(someProof({ header: { jwk: secret } })), null, 'a key with its private member');
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
    t.equal(await proofs.read(someProof({ header: { jwk: { ...key.jwk, [member]: 'AQ' } } })), null, member);
});

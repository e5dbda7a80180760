import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomUUID,
  sign,
} from 'node:crypto';
import t from 'tap';
import { createVerifier, type DpopOptions, toAnswer } from '../../packages/verify/src/index.ts';
import { athOf, type ProofKey, proofKey, proofOf } from '../support/dpop.ts';
import { asymmetric, hmac, makeKeyPair, type Signer, unsigned } from '../support/forge.ts';
import { ISSUER, issuingService, logIn } from '../support/issuing-service.ts';
import { requirePostgres } from '../support/postgres.ts';
import { APPLICATIONS } from './support/applications.ts';
import { openBoundSession, refusalOf } from './support/bound-session.ts';

const ALGS = 'algs="ES256 ES384 Ed25519 EdDSA PS256 RS256"';
const DPOP = `DPoP realm="kinship", ${ALGS}`;
const BEARER = 'Bearer realm="kinship"';

type Values = NonNullable<Parameters<typeof proofOf>[4]>;

t.test('a bound token of the real service is verified', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url } = await issuingService(t);
  const verifierOf = (dpop: DpopOptions = {}) =>
    createVerifier({ issuer: ISSUER, audience: 'kinship', url, dpop });

  for (const [name, start] of Object.entries(APPLICATIONS)) {
    await t.test(`${name}: each check of a proof is made`, async (t) => {
      const app = await start(t, verifierOf());
      const session = await openBoundSession(url);
      const { access, authorization, key } = session;
      const me = `${app.url}/me`;
      const proof = (values?: Values, by?: ProofKey) => session.proof('GET', me, values, by);
      const seconds = (offset: number) => ({ payload: { iat: Math.floor(Date.now() / 1000) + offset } });
      const rsa = makeKeyPair('rsa');
      const rsaJwk = rsa.publicKey.export({ format: 'jwk' });
      const short = generateKeyPairSync('rsa', { modulusLength: 1_024 });
      const other = proofKey();

      const accepted: Record<string, string> = {
        'a proof': proof(),
        'for the URL with another query and fragment': session.proof('GET', `${me}?a=b#c`),
        'for the URL in another form': session.proof('GET', `${app.url.replace('http', 'HTTP')}/x/../%6de`),
        'a minute old': proof(seconds(-60)),
        'a minute ahead': proof(seconds(60)),
        'of a key with other members': proof({
          header: { jwk: { ...key.jwk, use: 'enc', alg: 'RS256', key_ops: [] } },
        }),
      };
      for (const [what, dpop] of Object.entries(accepted)) {
        const answer = await app.ask('/me?q=1', { authorization, dpop });
        t.same([answer.status, await answer.json()], [200, { id: session.userId }], what);
      }
      const lower = await app.ask('/me', { authorization: `dpop ${access}`, dpop: proof() });
      t.equal(lower.status, 200, 'the name of the scheme in another case');
      const posted = await app.ask('/me', { authorization, dpop: session.proof('POST', me) }, 'POST');
      t.equal(posted.status, 200, 'another method');

      const used = proof();
      t.equal((await app.ask('/me', { authorization, dpop: used })).status, 200);
      const jti = randomUUID();
      t.equal((await app.ask('/me', { authorization, dpop: proof({ payload: { jti } }) })).status, 200);
      const refused: Record<string, string> = {
        nothing: '',
        'no JWS': 'proof',
        'two proofs': `${proof()}, ${proof()}`,
        'used before': used,
        'another proof with a used id': proof({ payload: { jti } }),
        'for another method': session.proof('POST', me),
        'for a method in another case': session.proof('get', me),
        'for another path': session.proof('GET', `${app.url}/you`),
        'for another host': session.proof('GET', 'https://evil.example/me'),
        'for another port': session.proof('GET', 'http://localhost:1/me'),
        'for another scheme': session.proof('GET', me.replace('http:', 'https:')),
        'for a path alone': session.proof('GET', '/me'),
        'for a URL with a user': session.proof('GET', me.replace('://', '://ann@')),
        'too old': proof(seconds(-70)),
        'too far ahead': proof(seconds(70)),
        'for another token': proof({ payload: { ath: athOf('another') } }),
        'for no token': proof({ payload: { ath: undefined } }),
        'of another key': proof({}, other),
        'signed by another key': proof({ sign: other.sign }),
        'without a signature': proof({ sign: unsigned }),
        'with the algorithm none': proof({ header: { alg: 'none' }, sign: unsigned }),
        'of a symmetric algorithm': proof({
          header: { alg: 'HS256' },
          sign: hmac(JSON.stringify(key.jwk), 'sha256'),
        }),
        'of an algorithm that does not fit the key': proof({ header: { alg: 'RS256' } }),
        'of another type': proof({ header: { typ: 'JWT' } }),
        'without a type': proof({ header: { typ: undefined } }),
        'without a key': proof({ header: { jwk: undefined } }),
        'with the private key': proof({ header: { jwk: key.privateKey.export({ format: 'jwk' }) } }),
        'with an incomplete key': proof({ header: { jwk: { ...key.jwk, y: undefined } } }),
        'with a key of an unknown type': proof({ header: { jwk: { ...key.jwk, kty: 'toString' } } }),
        'with a short RSA key': proof({
          header: { alg: 'RS256', jwk: short.publicKey.export({ format: 'jwk' }) },
          sign: asymmetric('sha256', short.privateKey),
        }),
        'with an RSA key with a long exponent': proof({
          header: { alg: 'RS256', jwk: { ...rsaJwk, e: rsaJwk.n } },
          sign: asymmetric('sha256', rsa.privateKey),
        }),
        'with a critical extension': proof({ header: { crit: ['b64'], b64: true } }),
        'without an id': proof({ payload: { jti: undefined } }),
        'with a long id': proof({ payload: { jti: 'j'.repeat(2_049) } }),
        'without a method': proof({ payload: { htm: undefined } }),
        'without a URL': proof({ payload: { htu: undefined } }),
        'without a time': proof({ payload: { iat: undefined } }),
        'with a time that is text': proof({ payload: { iat: String(Date.now() / 1000) } }),
        'that is huge': proof({ payload: { filler: 'x'.repeat(8_000) } }),
      };
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
        refused[`with the member ${member} of a private key`] = proof({
          header: { jwk: { ...key.jwk, [member]: 'AQ' } },
        });
      for (const [what, dpop] of Object.entries(refused)) {
        const answer = await app.ask('/me', { authorization, dpop });
        t.equal(answer.status, 401, what);
        const { code, detail } = (await answer.json()) as { code: string; detail: string };
        t.equal(code, 'invalid_dpop_proof', what);
        t.equal(
          answer.headers.get('www-authenticate'),
          `${DPOP}, error="invalid_dpop_proof", error_description="${detail}"`,
          what,
        );
      }
      t.equal((await app.ask('/me', { authorization, dpop: proof() })).status, 200, 'the next proof');

      const asBearer = await app.ask('/me', { authorization: `Bearer ${access}`, dpop: proof() });
      t.equal(asBearer.status, 401);
      const challenge = asBearer.headers.get('www-authenticate');
      const { detail } = (await asBearer.json()) as { detail: string };
      const error = `error="invalid_token", error_description="${detail}"`;
      t.equal(challenge, `${BEARER}, ${error}, ${DPOP}, ${error}`);
      const unbound = await logIn(url);
      const asDpop = await app.ask('/me', { authorization: `DPoP ${unbound.access}`, dpop: proof() });
      t.same(
        [asDpop.status, asDpop.headers.get('www-authenticate')],
        [
          401,
          `${DPOP}, error="invalid_token", ` +
            'error_description="The token is not bound to a key: send it as Authorization: Bearer."',
        ],
        'an unbound token',
      );
      t.equal((await app.ask('/me', { authorization: unbound.authorization })).status, 200);
      const vault = await app.ask('/vault', {
        authorization,
        dpop: session.proof('GET', `${app.url}/vault`),
      });
      t.equal(
        vault.headers.get('www-authenticate'),
        `${DPOP}, error="insufficient_user_authentication", acr_values="aal2", ` +
          'error_description="The user must prove again who they are."',
      );
    });
  }

  await t.test('keys of all algorithms are accepted', async (t) => {
    const { verify } = verifierOf();
    const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
    const pss = (key: KeyObject): Signer => {
      const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      return (input) => sign('sha256', Buffer.from(input), options);
    };
    const algorithms: readonly [string, KeyPairKeyObjectResult, (key: KeyObject) => Signer][] = [
      ['ES256', ec('P-256'), (key) => asymmetric('sha256', key)],
      ['ES384', ec('P-384'), (key) => asymmetric('sha384', key)],
      ['Ed25519', makeKeyPair('ed25519'), (key) => asymmetric(null, key)],
      ['EdDSA', makeKeyPair('ed25519'), (key) => asymmetric(null, key)],
      ['PS256', rsa(), pss],
      ['RS256', rsa(), (key) => asymmetric('sha256', key)],
    ];
    t.equal(`algs="${algorithms.map(([alg]) => alg).join(' ')}"`, ALGS);
    for (const [alg, { publicKey, privateKey }, signerOf] of algorithms) {
      const jwk = publicKey.export({ format: 'jwk' }) as Record<string, unknown>;
      // The members of RFC 7638 in their order. JSON.stringify leaves out those that the key does not have.
      const { crv, e, kty, n, x, y } = jwk;
      const jkt = athOf(JSON.stringify({ crv, e, kty, n, x, y }));
      const { access } = await logIn(url, `&dpopJkt=${jkt}`);
      const key: ProofKey = { jwk, jkt, privateKey, sign: signerOf(privateKey) };
      const dpop = proofOf(key, 'GET', 'https://a.example/', Date.now(), {
        header: { alg },
        payload: { ath: athOf(access) },
      });
      const headers = new Headers({ authorization: `DPoP ${access}`, dpop });
      const session = await verify(new Request('https://a.example/', { headers }));
      t.match(session.claims, { cnf: { jkt } }, alg);
    }
  });

  await t.test('behind a proxy a proof must name the public URL, not the host of the request', async (t) => {
    const session = await openBoundSession(url);
    const { verify } = verifierOf({ publicUrl: 'https://api.example.com/shop/' });
    const request = (htu: string) =>
      new Request('http://10.0.0.7:8080/orders?page=2', {
        headers: { authorization: session.authorization, dpop: session.proof('GET', htu) },
      });
    t.equal((await verify(request('https://api.example.com/shop/orders'))).sessionId, session.sid);
    for (const htu of ['http://10.0.0.7:8080/orders', 'https://api.example.com/orders'])
      t.match(await refusalOf(verify(request(htu))), { code: 'invalid_dpop_proof' }, htu);
  });

  await t.test('the value of the Authorization header alone is not enough', async (t) => {
    const { authorization, access } = await openBoundSession(url);
    const { verify } = verifierOf();
    const refusal = await refusalOf(verify(authorization));
    t.match(refusal, { code: 'token_invalid', challenge: `${DPOP}, error="invalid_token", ` });
    t.match(await refusalOf(verify(`Bearer ${access}`)), { code: 'token_invalid' });
  });

  await t.test('used proofs take bounded memory, and proofs of another key are not stored', async (t) => {
    const { verify } = verifierOf({ maxProofs: 3 });
    const session = await openBoundSession(url);
    const request = (dpop: string) =>
      new Request('https://a.example/', { headers: { authorization: session.authorization, dpop } });
    const proof = (by?: ProofKey) => session.proof('GET', 'https://a.example/', {}, by);
    for (let round = 0; round < 10; round += 1)
      t.match(await refusalOf(verify(request(proof(proofKey())))), { code: 'invalid_dpop_proof' });
    const last = proof();
    for (const dpop of [proof(), proof(), last]) await verify(request(dpop));
    const full = await refusalOf(verify(request(proof())));
    t.match(toAnswer(full), { status: 503, headers: { 'retry-after': '1' } });
    t.match(
      await refusalOf(verify(request(last))),
      { code: 'invalid_dpop_proof' },
      'no used proof is forgotten',
    );
  });

  await t.test('of twenty concurrent uses of one proof one is accepted', async (t) => {
    const { verify } = verifierOf();
    const session = await openBoundSession(url);
    const dpop = session.proof('GET', 'https://a.example/');
    const headers = { authorization: session.authorization, dpop };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => verify(new Request('https://a.example/', { headers }))),
    );
    t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  await t.test('processes can share the used proofs', async (t) => {
    const used = new Map<string, number>();
    const useProof = async (id: string, seconds: number) =>
      !used.has(id) && used.set(id, seconds).get(id) === seconds;
    const [one, other] = [verifierOf({ useProof }), verifierOf({ useProof })];
    const session = await openBoundSession(url);
    const dpop = session.proof('GET', 'https://a.example/');
    const request = new Request('https://a.example/', {
      headers: { authorization: session.authorization, dpop },
    });
    await one.verify(request);
    t.match(await refusalOf(other.verify(request)), { code: 'invalid_dpop_proof' });
    t.match([...used], [[/^[0-9a-f]{32}$/, 135]]);

    const down = verifierOf({ useProof: async () => Promise.reject(new Error('Redis is away')) });
    const refusal = await refusalOf(down.verify(request));
    t.match(refusal, { code: 'unavailable', challenge: null, cause: { message: 'Redis is away' } });
  });
});

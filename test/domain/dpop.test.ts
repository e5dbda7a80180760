import t from 'tap';
import {
  type DpopProof,
  dpopProofForgottenAt,
  findDpopFault,
  isConfirmation,
} from '../../src/domain/dpop.ts';

const NOW = 1_800_000_000_500;
const REQUEST = { method: 'POST', url: 'https://auth.example.com/auth/refresh' };
const SKEW = 5_000;

const proof = (values: Partial<DpopProof> = {}): DpopProof => ({
  jkt: 'key',
  jti: 'one',
  htm: 'POST',
  htu: REQUEST.url,
  iat: Math.floor(NOW / 1000),
  ath: null,
  nonce: null,
  ...values,
});

const fault = (values: Partial<DpopProof>, { ath = null as string | null, url = REQUEST.url } = {}) =>
  findDpopFault(proof(values), { ...REQUEST, url }, { jkt: 'key', ath }, { now: NOW, clockSkew: SKEW });

t.test('a proof is for one key, method, time and token', async (t) => {
  t.equal(fault({}), null);
  t.equal(fault({ jkt: 'other' }), 'other_key');
  t.equal(fault({ jkt: 'other', htm: 'GET', iat: 0 }), 'other_key', 'the key is judged first');
  t.equal(fault({ htm: 'GET' }), 'other_request');
  t.equal(fault({ htm: 'post' }), 'other_request');
  t.equal(fault({ ath: 'hash' }), null, 'a proof may name an access token that is not presented');
  t.equal(fault({ ath: 'hash' }, { ath: 'hash' }), null);
  t.equal(fault({ ath: 'hash' }, { ath: 'other' }), 'other_token');
  t.equal(fault({}, { ath: 'hash' }), 'other_token');
});

t.test('a proof of any key is accepted if no key is expected', async (t) => {
  const times = { now: NOW, clockSkew: SKEW };
  t.equal(findDpopFault(proof({ jkt: 'any' }), REQUEST, { jkt: null, ath: null }, times), null);
});

t.test('a proof is accepted for a minute plus the skew before and after its time', async (t) => {
  const at = (offset: number) => fault({ iat: (NOW + offset) / 1000 });
  t.same([-65_001, -65_000, 0, 65_000, 65_001].map(at), ['wrong_time', null, null, null, 'wrong_time']);
});

t.test('a proof that is used as early as possible is remembered until no replica accepts it', async (t) => {
  const clockBehind = dpopProofForgottenAt(NOW, SKEW) - SKEW;
  const early = proof({ iat: (NOW + 65_000) / 1000 });
  const faultAt = (now: number) =>
    findDpopFault(early, REQUEST, { jkt: 'key', ath: null }, { now, clockSkew: SKEW });
  t.equal(faultAt(NOW), null);
  t.equal(faultAt(clockBehind + 1), 'wrong_time');
});

t.test('spellings of one URL are equal', async (t) => {
  const same: readonly (readonly [string, string])[] = [
    ['https://auth.example.com/a', 'https://auth.example.com/a?query=1'],
    ['https://auth.example.com/a#fragment', 'https://auth.example.com/a'],
    ['HTTPS://AUTH.example.com:443/a', 'https://auth.example.com/a'],
    ['https://auth.example.com', 'https://auth.example.com/'],
    ['https://auth.example.com/%7euser', 'https://auth.example.com/~user'],
    ['https://auth.example.com/a%2fb', 'https://auth.example.com/a%2Fb'],
    ['https://auth.example.com/x/../a', 'https://auth.example.com/a'],
    ['http://127.0.0.1:3000/a', 'http://localhost:3000/a'],
    ['http://[::1]:3000/a', 'http://localhost:3000/a'],
  ];
  for (const [htu, url] of same) t.equal(fault({ htu }, { url }), null, `${htu} ${url}`);
});

t.test('other URLs are not equal', async (t) => {
  const other: readonly (readonly [string, string])[] = [
    ['http://auth.example.com/a', 'https://auth.example.com/a'],
    ['https://auth.example.com:444/a', 'https://auth.example.com/a'],
    ['https://auth.example.com/a', 'https://auth.example.com/a/'],
    ['https://auth.example.com/A', 'https://auth.example.com/a'],
    ['https://auth.example.com/a%2fb', 'https://auth.example.com/a/b'],
    ['https://example.com/a', 'https://auth.example.com/a'],
    ['https://auth.example.com.evil.example/a', 'https://auth.example.com/a'],
    ['https://user@auth.example.com/a', 'https://auth.example.com/a'],
    ['http://localhost:3001/a', 'http://localhost:3000/a'],
    ['/a', 'https://auth.example.com/a'],
    ['', 'https://auth.example.com/a'],
    ['javascript:a', 'javascript:a'],
  ];
  for (const [htu, url] of other) t.equal(fault({ htu }, { url }), 'other_request', `${htu} ${url}`);
});

t.test('a confirmation claim holds a thumbprint', async (t) => {
  t.ok(isConfirmation({ jkt: 'A'.repeat(43) }));
  for (const value of [undefined, null, 'A', {}, { jkt: 1 }, { jkt: 'A' }, { jkt: `${'A'.repeat(42)}=` }])
    t.notOk(isConfirmation(value), JSON.stringify(value));
});

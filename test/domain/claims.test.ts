import t from 'tap';
import {
  claimsFault,
  MAX_SESSION_CLAIMS,
  MAX_USER_CLAIMS,
  mergeClaims,
  pickClaims,
  sortClaims,
} from '../../src/domain/claims.ts';

const parseJson = (json: string) => JSON.parse(json) as Record<string, unknown>;

t.test('claims are accepted or refused by their names, depth, characters and size', async (t) => {
  for (const [claims, fault] of [
    [{}, null],
    [{ plan: 'paid', seats: 4, trial: false, team: null, 'https://example.com/roles': ['a'] }, null],
    [{ one: { two: { three: 3 } } }, null],
    [{ one: { two: [3] } }, null],
    [{ one: { two: { three: {} } } }, /deeper than 3/],
    [{ one: [[[]]] }, /deeper than 3/],
    [{ sub: 'other' }, /must not contain sub/],
    [{ exp: 1 }, /must not contain exp/],
    [{ cnf: {} }, /must not contain cnf/],
    [{ linkerId: 'x' }, /must not contain linkerId/],
    [{ email_verified: true }, /must not contain email_verified/],
    [{ nested: { sub: 'allowed, because it is no claim' } }, null],
    [parseJson(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`), /deeper than 3/],
    [parseJson('{"a":{"__proto__":1}}'), /__proto__/],
    [parseJson('{"__proto__":{}}'), /__proto__/],
    [{ a: 'x\0' }, /NUL/],
    [{ 'x\0': 1 }, /NUL/],
    [{ a: ['\ud800'] }, /surrogate/],
    [{ a: '😀' }, null],
    [{ a: 'x'.repeat(MAX_SESSION_CLAIMS - 8) }, null],
    [{ a: 'x'.repeat(MAX_SESSION_CLAIMS - 7) }, /at most 512 bytes/],
    [{ a: 'é'.repeat(MAX_SESSION_CLAIMS / 2) }, /at most 512 bytes/],
  ] as const) {
    const found = claimsFault(claims, MAX_SESSION_CLAIMS);
    const title = Object.keys(claims).join().slice(0, 40);
    if (fault === null) t.equal(found, null, title);
    else t.match(found, fault, title);
  }
});

t.test('a user may have longer claims than a session', async (t) => {
  const claims = { a: 'x'.repeat(MAX_SESSION_CLAIMS) };
  t.equal(claimsFault(claims, MAX_USER_CLAIMS), null);
  t.match(claimsFault({ a: 'x'.repeat(MAX_USER_CLAIMS) }, MAX_USER_CLAIMS), /at most 1024 bytes/);
});

t.test('a claim of the session replaces the whole claim of the user', async (t) => {
  const merged = mergeClaims({ plan: { name: 'paid', seats: 3 }, team: 'red' }, { plan: { name: 'trial' } });
  t.same(merged, { plan: { name: 'trial' }, team: 'red' });
});

t.test('equal claims are equal bytes, whatever the order of their names', async (t) => {
  const one = sortClaims({ b: [{ d: 1, c: 2 }], a: { z: null, y: 'x' } });
  const other = sortClaims({ a: { y: 'x', z: null }, b: [{ c: 2, d: 1 }] });
  t.equal(JSON.stringify(one), JSON.stringify(other));
  t.equal(JSON.stringify(one), '{"a":{"y":"x","z":null},"b":[{"c":2,"d":1}]}');
});

t.test('claims that the service sets are left out of the added claims', async (t) => {
  t.same(pickClaims({ sub: 'x', iat: 1, cnf: {}, team: 'red' }), { team: 'red' });
});

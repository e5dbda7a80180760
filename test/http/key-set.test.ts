import t from 'tap';
import { KEY_ALGORITHMS } from '../../src/domain/key-set.ts';
import type { PublicKey } from '../../src/ports/security/public-key.ts';
import { startHttpService } from '../support/http.ts';
import { someKeySet } from '../support/key-set.ts';

const PATH = '/.well-known/jwks.json';

const MEMBERS = {
  EdDSA: ['kid', 'use', 'alg', 'kty', 'crv', 'x'],
  ES256: ['kid', 'use', 'alg', 'kty', 'crv', 'x', 'y'],
  RS256: ['kid', 'use', 'alg', 'kty', 'n', 'e'],
};

for (const alg of KEY_ALGORITHMS) {
  t.test(`${alg}: the published keys contain public members only`, async (t) => {
    const set = await someKeySet(alg);
    const { send, url, post } = await startHttpService(t, set);
    await set.rotate(false);
    await set.maintain();
    const { status, headers, body } = await send(PATH);
    t.equal(status, 200);
    t.equal(headers.get('cache-control'), 'public, max-age=300');
    t.match(headers.get('content-type'), /^application\/json/);
    const keys = body.keys as PublicKey[];
    t.equal(keys.length, 2, 'the announced key is also published');
    for (const key of keys) {
      t.same(Object.keys(key).sort(), MEMBERS[alg].toSorted());
      t.match(key, { use: 'sig', alg });
    }
    const head = await fetch(url + PATH, { method: 'HEAD' });
    t.equal(head.status, 200);
    t.equal(await head.text(), '');
    t.equal((await post(PATH)).status, 405);
  });
}

t.test('a service without a key set publishes an empty set', async (t) => {
  const { send } = await startHttpService(t);
  t.match(await send(PATH), { status: 200, body: { keys: { length: 0 } } });
});

t.test('a private member among the public ones is not published', async (t) => {
  const key = {
    kid: 'k',
    use: 'sig',
    alg: 'EdDSA',
    kty: 'OKP',
    crv: 'Ed25519',
    x: 'x',
    d: 'secret',
  } as const;
  const { send } = await startHttpService(t, { publishedKeys: () => [key] });
  const { body } = await send(PATH);
  const { d: _, ...publicPart } = key;
  t.same(body.keys, [publicPart]);
});

t.test('a page of any origin may read the key set', async (t) => {
  const { send } = await startHttpService(t, { http: { corsOrigins: ['https://app.example.com'] } });
  for (const origin of ['https://app.example.com', 'https://elsewhere.example', 'null']) {
    const { headers } = await send(PATH, { headers: { origin } });
    t.equal(headers.get('access-control-allow-origin'), '*', origin);
    t.notOk(headers.has('access-control-allow-credentials'));
  }
  const { headers } = await send('/health/live', { headers: { origin: 'https://elsewhere.example' } });
  t.notOk(headers.has('access-control-allow-origin'));
});

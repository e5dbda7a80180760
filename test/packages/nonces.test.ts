import * as oauth from 'oauth4webapi';
import t, { type Test } from 'tap';
import { createClient } from '../../client/src/dpop.ts';
import { createVerifier, type DpopOptions, toAnswer } from '../../packages/verify/src/index.ts';
import { createNonces } from '../../packages/verify/src/nonces.ts';
import { ISSUER, issuingService, logIn } from '../support/issuing-service.ts';
import { requirePostgres } from '../support/postgres.ts';
import { APPLICATIONS, type Application } from './support/applications.ts';
import { openBoundSession, refusalOf } from './support/bound-session.ts';

const PERIOD = 5 * 60_000;
const SECRET = 'a secret of thirty-two characters';
const OTHER = 'another secret, of 32 characters!';

/** Moves the clock of this process until the test ends. `start`: milliseconds since the beginning of a period. */
function clockAt(t: Pick<Test, 'teardown'>, start: number) {
  const real = Date.now;
  const clock = { now: Math.floor(real() / PERIOD) * PERIOD + start };
  Date.now = () => clock.now;
  t.teardown(() => {
    Date.now = real;
  });
  return clock;
}

t.test('a nonce is valid for its period and the next one', async (t) => {
  const clock = clockAt(t, 0);
  const start = clock.now;
  const nonces = createNonces([SECRET]);
  const nonce = await nonces.current();
  t.match(nonce, /^[\x21\x23-\x5b\x5d-\x7e]+$/, 'the characters of RFC 9449 section 8.1');
  t.equal(await nonces.current(), nonce);
  const valid: boolean[] = [];
  for (const offset of [0, PERIOD - 1, PERIOD, 2 * PERIOD - 1, 2 * PERIOD]) {
    clock.now = start + offset;
    valid.push(await nonces.isValid(nonce));
  }
  t.same(valid, [true, true, true, true, false]);
  t.not(await nonces.current(), nonce);
  clock.now = start - 5_000;
  t.ok(await nonces.isValid(nonce), 'another process may be ahead by five seconds');
  clock.now -= 1;
  t.notOk(await nonces.isValid(nonce));
});

t.test(
  'processes with one secret make the same nonces, and a newer secret does not end the nonces of the older one',
  async (t) => {
    const before = createNonces([SECRET]);
    const after = createNonces([OTHER, SECRET]);
    t.equal(await createNonces([SECRET]).current(), await before.current());
    t.ok(await after.isValid(await before.current()));
    t.ok(await createNonces([OTHER]).isValid(await after.current()), 'the first secret makes nonces');
    t.notOk(await before.isValid(await after.current()));
  },
);

t.test('the nonces of two periods differ, and text of another form is not a nonce', async (t) => {
  const nonces = createNonces([SECRET]);
  const nonce = await nonces.current();
  const [period = '', mac = ''] = nonce.split('.');
  for (const wrong of [
    `${Number(period) - 1}.${mac}`,
    `0${nonce}`,
    `${nonce}.`,
    `${nonce}x`,
    `${period}.${mac.slice(1)}`,
    `${period}.${mac.slice(1)}*`,
    `${period}.${'A'.repeat(43)}`,
    period,
    mac,
    '.',
  ])
    t.notOk(await nonces.isValid(wrong), wrong);
});

t.test('a short or missing secret is refused at the start', async (t) => {
  const options = { issuer: ISSUER, audience: 'kinship' };
  for (const nonce of ['', 'x'.repeat(31), [], [SECRET, 'short']])
    t.throws(() => createVerifier({ ...options, dpop: { nonce } }), TypeError, String(nonce));
  createVerifier({ ...options, dpop: { nonce: SECRET } }).close();
});

t.test('an application can require nonces in the proofs of bound tokens', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url } = await issuingService(t);
  const verifierOf = (dpop: DpopOptions) =>
    createVerifier({ issuer: ISSUER, audience: 'kinship', url, dpop });

  for (const [name, start] of Object.entries(APPLICATIONS)) {
    await t.test(
      `${name}: a proof without a nonce is refused, and the answer contains a nonce`,
      async (t) => {
        const app = await start(t, verifierOf({ nonce: SECRET }));
        const { authorization, proof } = await openBoundSession(url);
        const ask = (nonce?: unknown, payload = {}) =>
          app.ask('/me', {
            authorization,
            dpop: proof('GET', `${app.url}/me`, { payload: { nonce, ...payload } }),
          });

        const asked = await ask();
        t.equal(asked.status, 401);
        t.match(
          asked.headers.get('www-authenticate'),
          /^DPoP realm="kinship", algs="[^"]+", error="use_dpop_nonce", error_description="[^"]+"$/,
        );
        t.match(await asked.json(), { code: 'use_dpop_nonce', status: 401 });
        const nonce = asked.headers.get('dpop-nonce') ?? '';
        const accepted = await ask(nonce);
        t.same([accepted.status, accepted.headers.get('dpop-nonce')], [200, null], 'it is the current nonce');

        for (const wrong of ['x', `${nonce}x`, await createNonces([OTHER]).current()]) {
          const refused = await ask(wrong);
          t.match(await refused.json(), { code: 'use_dpop_nonce' });
          t.equal(refused.headers.get('dpop-nonce'), nonce);
        }
        for (const malformed of ['', 7, ['x']])
          t.match(await (await ask(malformed)).json(), { code: 'invalid_dpop_proof' }, String(malformed));
        const late = await ask(undefined, { iat: Math.floor(Date.now() / 1000) - 600 });
        t.match(await late.json(), { code: 'invalid_dpop_proof' });
        t.equal(
          late.headers.get('dpop-nonce'),
          nonce,
          'a client with a wrong clock needs only one more request',
        );

        const jti = 'of a proof that was refused for its nonce';
        t.equal((await ask(undefined, { jti })).status, 401);
        t.equal((await ask(nonce, { jti })).status, 200, 'the refused proof is not used up');
        t.match(
          await (await ask(nonce, { jti })).json(),
          { code: 'invalid_dpop_proof' },
          'now the proof is used up',
        );

        const unbound = await app.ask('/me', { authorization: (await logIn(url)).authorization });
        t.same([unbound.status, unbound.headers.get('dpop-nonce')], [200, null]);
      },
    );

    await t.test(
      `${name}: a nonce of the previous period is accepted, and the answer contains a new one`,
      async (t) => {
        // The token is made by the real clock, and lives for 15 minutes.
        const { authorization, proof } = await openBoundSession(url);
        const clock = clockAt(t, PERIOD - 1_000);
        const app = await start(t, verifierOf({ nonce: SECRET }));
        const htu = `${app.url}/me`;
        const ask = (nonce?: string) =>
          app.ask('/me', { authorization, dpop: proof('GET', htu, { payload: { nonce } }) });
        const first = (await ask()).headers.get('dpop-nonce') ?? '';
        clock.now += 1_000;
        const accepted = await ask(first);
        const second = accepted.headers.get('dpop-nonce') ?? '';
        t.equal(accepted.status, 200);
        t.match(second, /./);
        t.not(second, first);
        t.equal((await ask(second)).headers.get('dpop-nonce'), null);
        clock.now += PERIOD;
        t.match(await (await ask(first)).json(), { code: 'use_dpop_nonce' });
      },
    );

    await t.test(`${name}: the client package learns the nonce from the answer`, async (t) => {
      const app = await start(t, verifierOf({ nonce: SECRET }));
      const { client, sent } = await clientOf(t, url, app);
      const statusOfMe = async () => (await client.fetch(`${app.url}/me`)).status;
      t.same([await statusOfMe(), await statusOfMe()], [200, 200]);
      t.same(sent.splice(0), [401, 200, 200], 'one additional request in total');
      const fresh = await clientOf(t, url, app);
      const ask = async () => (await fresh.client.fetch(`${app.url}/me`)).status;
      t.same(await Promise.all([ask(), ask(), ask()]), [200, 200, 200]);
      t.same(fresh.sent.sort(), [200, 200, 200, 401, 401, 401], 'no request needed another token');
      t.equal(fresh.refreshes(), 0);
    });
  }

  await t.test(
    'the library oauth4webapi learns the nonce from a refusal, and later nonces from other answers',
    async (t) => {
      const keys = await oauth.generateKeyPair('ES256');
      const DPoP = oauth.DPoP({}, keys);
      const { access } = await logIn(url, `&dpopJkt=${await DPoP.calculateThumbprint()}`);
      const nonces = createNonces([SECRET]);
      const given = { current: 'one' };
      const changing = {
        current: async () => `${given.current}.${await nonces.current()}`,
        isValid: async (nonce: string) => /^(one|two)\./.test(nonce) && nonces.isValid(nonce.slice(4)),
      };
      const app = await APPLICATIONS.express?.(t, verifierOf({ nonce: changing }));
      if (app === undefined) throw new Error('There is no such application.');
      const call = () =>
        oauth.protectedResourceRequest(access, 'GET', new URL('/me', app.url), undefined, undefined, {
          DPoP,
          [oauth.allowInsecureRequests]: true,
        });
      const refusal: unknown = await call().catch((error: unknown) => error);
      t.ok(oauth.isDPoPNonceError(refusal));
      t.equal((await call()).status, 200);
      given.current = 'two';
      const renewed = await call();
      t.match([renewed.status, renewed.headers.get('dpop-nonce')], [200, /^two\./]);
      t.same([(await call()).headers.get('dpop-nonce')], [null], 'the client uses the new nonce');
    },
  );

  await t.test('without the option no answer has a nonce', async (t) => {
    const { authorization, proof } = await openBoundSession(url);
    const { verify } = verifierOf({});
    const request = (dpop: string) => new Request('https://a.example/', { headers: { authorization, dpop } });
    t.equal((await verify(request(proof('GET', 'https://a.example/')))).dpopNonce, null);
    t.equal(toAnswer(await refusalOf(verify(request('proof')))).headers['dpop-nonce'], undefined);
  });

  await t.test('an application can issue and check nonces by itself', async (t) => {
    const { authorization, proof } = await openBoundSession(url);
    const ask = (nonce: DpopOptions['nonce'], given?: string) => {
      const dpop = proof('GET', 'https://a.example/', { payload: { nonce: given } });
      const request = new Request('https://a.example/', { headers: { authorization, dpop } });
      return verifierOf(nonce === undefined ? {} : { nonce }).verify(request);
    };
    const own = { current: () => 'new', isValid: (nonce: string) => nonce === 'old' };
    t.match(await refusalOf(ask(own)), { code: 'use_dpop_nonce', dpopNonce: 'new' });
    t.match(await refusalOf(ask(own, 'new')), { code: 'use_dpop_nonce' }, 'the application decides');
    t.match(await ask(own, 'old'), { dpopNonce: 'new' });
    const down = () => Promise.reject(new Error('Redis is away'));
    for (const nonce of [
      { ...own, current: down },
      { ...own, isValid: down },
    ]) {
      const refusal = await refusalOf(ask(nonce, 'old'));
      t.match(refusal, { code: 'unavailable', dpopNonce: null, cause: { message: 'Redis is away' } });
    }
  });
});

/** A client with a bound session, and the statuses of its requests to the application. */
async function clientOf(t: Test, url: string, app: Application) {
  const sent: number[] = [];
  let refreshes = 0;
  const client = createClient({
    url,
    origins: [new URL(app.url).origin],
    storage: null,
    async fetch(input, init) {
      const request = new Request(input, init);
      const { pathname, origin } = new URL(request.url);
      if (pathname === '/auth/refresh') refreshes += 1;
      if (origin !== new URL(app.url).origin) return fetch(request);
      const answer = await app.ask(pathname, Object.fromEntries(request.headers), request.method);
      sent.push(answer.status);
      return answer;
    },
  });
  t.teardown(client.close);
  const { access, refresh } = await logIn(url, `&dpopJkt=${await client.dpopJkt()}`);
  await client.adopt({ access, refresh, expiresIn: 900 });
  return { client, sent, refreshes: () => refreshes };
}

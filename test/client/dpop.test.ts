import t, { type Test } from 'tap';
import { createClient, type DpopClientOptions } from '../../client/src/dpop.ts';
import { registerAndLogIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';
import { realTime } from './support/real-time.ts';
import { countAnswers, logInNewUser, sharedStorage } from './support/sessions.ts';

type Started = Awaited<ReturnType<typeof startClientOfAnn>>;

/** A client of ann, and each request that it sends: method, path, scheme and whether there is a proof. */
async function startClientOfAnn(t: Test, options: Partial<DpopClientOptions> = {}) {
  const service = await startHttpService(t, { time: realTime() });
  await registerAndLogIn(service);
  const sent: string[] = [];
  const recordingFetch: typeof fetch = async (input, init) => {
    const { method, url, headers } = input instanceof Request ? input : new Request(input, init);
    const scheme = headers.get('authorization')?.split(' ')[0] ?? '';
    sent.push(
      [method, new URL(url).pathname, scheme, headers.has('dpop') ? 'proof' : ''].filter(Boolean).join(' '),
    );
    return (options.fetch ?? fetch)(input, init);
  };
  const signedOut: (string | null)[] = [];
  const made = createClient({
    url: service.url,
    onSignedOut: (code) => void signedOut.push(code),
    ...options,
    fetch: recordingFetch,
  });
  t.teardown(made.close);
  return { service, client: made, sent, signedOut };
}

const statusOfMe = async ({ service, client }: Pick<Started, 'service' | 'client'>) =>
  (await client.fetch(`${service.url}/auth/me`)).status;

t.test(
  'each request of a bound session has a proof, also a step-up and the deletion of the account',
  async (t) => {
    const made = await startClientOfAnn(t, { onStepUp: async () => ({ password: PASSWORD }) });
    const { service, client, sent, signedOut } = made;
    await client.logIn('ann', PASSWORD);
    t.equal(await statusOfMe(made), 200);
    await client.token((await client.token()) ?? '');
    const now = Date.now;
    Date.now = () => now() + 11 * 60_000;
    t.teardown(() => {
      Date.now = now;
    });
    const answer = await client.fetch(`${service.url}/auth/me`, { method: 'DELETE' });
    t.equal(answer.status, 204);
    t.same(sent, [
      'POST /auth/login proof',
      'GET /auth/me DPoP proof',
      'POST /auth/refresh proof',
      'DELETE /auth/me DPoP proof',
      'POST /auth/step-up proof',
      'DELETE /auth/me DPoP proof',
    ]);
    t.same(signedOut, []);
  },
);

t.test('a logout with scope "all" ends all sessions of the user of a bound client', async (t) => {
  const made = await startClientOfAnn(t);
  const { service, client, signedOut } = made;
  await client.logIn('ann', PASSWORD);
  const { body } = await service.post('/auth/login', { username: 'ann', password: PASSWORD });
  const tokens = [String(await client.token()), String(body.access)];
  await client.logOut('all');
  t.same(signedOut, [null]);
  const ids = new Set(tokens.map((access) => String(claimsOf(access).sid)));
  t.equal(ids.size, 2);
  for (const id of ids) t.match((await service.families.find(id))?.revoked, { reason: 'logout' });
});

t.test('an unbound session stays unbound, and requests to other servers have no proof', async (t) => {
  const other = await startHttpService(t);
  const made = await startClientOfAnn(t);
  const { service, client, sent } = made;
  await client.adopt(await logInNewUser(service));
  t.equal(await statusOfMe(made), 200);
  await client.token((await client.token()) ?? '');
  t.ok(
    sent.every((line) => !line.includes('proof') && !line.includes('DPoP')),
    sent.join(', '),
  );
  await client.logIn('ann', PASSWORD);
  sent.length = 0;
  await client.fetch(`${other.url}/auth/me`);
  t.same(sent, ['GET /auth/me']);
});

t.test('a program keeps its session over a restart if it stores the key', async (t) => {
  const storage = sharedStorage();
  const dpopKey = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'sign',
    'verify',
  ]);
  const made = await startClientOfAnn(t, { storage, dpopKey });
  await made.client.logIn('ann', PASSWORD);
  const again = createClient({ url: made.service.url, storage, dpopKey });
  t.teardown(again.close);
  t.ok(await again.token((await again.token()) ?? ''));
  t.equal(await statusOfMe({ ...made, client: again }), 200);

  const codes: (string | null)[] = [];
  const without = createClient({ url: made.service.url, storage, onSignedOut: (code) => codes.push(code) });
  t.teardown(without.close);
  const refreshes = countAnswers(made.service, '/auth/refresh');
  t.equal(await without.token((await without.token()) ?? ''), null);
  t.same(codes, ['dpop_key_lost']);
  t.equal(countAnswers(made.service, '/auth/refresh'), refreshes, 'the service was not asked');
});

t.test('a session whose key is lost can be logged out', async (t) => {
  const storage = sharedStorage();
  const made = await startClientOfAnn(t, { storage });
  await made.client.logIn('ann', PASSWORD);
  const without = createClient({ url: made.service.url, storage });
  t.teardown(without.close);
  await without.logOut();
  t.equal(countAnswers(made.service, '/auth/logout', 204), 1);
});

t.test('a server that asks for one nonce after another gets two requests', async (t) => {
  let requests = 0;
  const requireNewNonce: typeof fetch = async () => {
    requests += 1;
    const headers = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': `n${requests}` };
    return Response.json({ code: 'use_dpop_nonce', recovery: 'none' }, { status: 401, headers });
  };
  const { client } = await startClientOfAnn(t, { fetch: requireNewNonce });
  await t.rejects(client.logIn('ann', PASSWORD), { code: 'use_dpop_nonce' });
  t.equal(requests, 2);
});

t.test('a body is sent again with the nonce', async (t) => {
  const bodies: string[] = [];
  const nonces: unknown[] = [];
  const made = await startClientOfAnn(t, {
    async fetch(input, init) {
      const request = new Request(input, init);
      if (!request.url.endsWith('/things')) return fetch(input, init);
      bodies.push(await request.text());
      const { nonce } = claimsOf(request.headers.get('dpop') ?? '') as { nonce?: unknown };
      nonces.push(nonce);
      const headers = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'the nonce' };
      return nonce === undefined ? new Response('', { status: 401, headers }) : new Response('done');
    },
  });
  await made.client.logIn('ann', PASSWORD);
  const answer = await made.client.fetch(`${made.service.url}/things`, { method: 'POST', body: 'a thing' });
  t.equal(await answer.text(), 'done');
  t.same(bodies, ['a thing', 'a thing']);
  t.same(nonces, [undefined, 'the nonce']);
});

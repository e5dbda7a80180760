import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { ClientOptions, IdentityProof } from '../../client/src/index.ts';
import { claimsOf } from '../support/forge.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';
import { countAnswers, sharedStorage, startClient } from './support/sessions.ts';

const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };

/** A client of ann whose sign-in is no longer recent, and the arguments of its callback. */
async function startClientOfAnn(t: Test, proof: IdentityProof | null, options: Partial<ClientOptions> = {}) {
  const service = await startHttpService(t);
  await service.post('/auth/register', ann);
  const challenges: string[] = [];
  const client = startClient(t, {
    url: service.url,
    onStepUp: async (challenge) => {
      challenges.push(challenge);
      return proof;
    },
    ...options,
  });
  await client.logIn('ann', PASSWORD);
  service.time.now += 11 * 60_000;
  return {
    service,
    client,
    challenges,
    remove: () => client.fetch(`${service.url}/auth/me`, { method: 'DELETE' }),
  };
}

t.test('a challenge leads to one step-up, and the call is repeated', async (t) => {
  const { service, remove, challenges } = await startClientOfAnn(t, { password: PASSWORD });
  t.equal((await remove()).status, 204);
  t.same(challenges, ['Bearer realm="kinship", error="insufficient_user_authentication", max_age=600']);
  t.equal(countAnswers(service, '/auth/step-up'), 1);
  t.equal(countAnswers(service, '/auth/refresh'), 0);
});

t.test('without a proof the call returns the refusal', async (t) => {
  for (const options of [{}, { onStepUp: undefined as never }]) {
    const { service, remove, client } = await startClientOfAnn(t, null, options);
    const answer = await remove();
    t.equal(answer.status, 401);
    t.match(await answer.json(), { code: 'step_up_required' });
    t.equal(countAnswers(service, '/auth/me', 401), 1, 'the call is not repeated');
    t.equal((await client.fetch(`${service.url}/auth/me`)).status, 200, 'the session continues');
  }
});

t.test('a wrong proof rejects the call, and the session continues', async (t) => {
  const { service, remove, client } = await startClientOfAnn(t, { password: 'a wrong piano 42' });
  await t.rejects(remove(), { code: 'proof_refused', status: 401, recovery: 'none' });
  const before = await client.token();
  const after = await client.token(before ?? '');
  t.ok(after);
  t.not(after, before, 'a refresh succeeds');
  t.equal(countAnswers(service, '/auth/refresh'), 1);
});

t.test(
  'a lost answer of a step-up ends no session, whether the service got the request or not',
  async (t) => {
    for (const lost of ['request', 'answer'] as const) {
      let once = true;
      const storage = sharedStorage();
      const lossy: typeof fetch = async (input, init) => {
        const isStepUp = String(input).endsWith('/auth/step-up') && once;
        if (isStepUp) once = false;
        if (isStepUp && lost === 'request') throw new TypeError('lost');
        const answer = await fetch(input, init);
        if (isStepUp) throw new TypeError('lost');
        return answer;
      };
      const { service, remove } = await startClientOfAnn(
        t,
        { password: PASSWORD },
        { storage, fetch: lossy },
      );
      await t.rejects(remove(), { code: 'unreachable' }, lost);
      t.notMatch([...storage.items.values()].join(), /violet/, 'no proof is stored');
      // A new client, as after a reload of the page.
      const signedOut: unknown[] = [];
      const next = startClient(t, {
        url: service.url,
        storage,
        onSignedOut: (code) => void signedOut.push(code),
      });
      const before = await next.token();
      const access = await next.token(before ?? '');
      t.ok(access, lost);
      t.same(signedOut, []);
      const isRaised = Number(claimsOf(String(access)).auth_time) === Math.floor(service.time.now / 1000);
      t.equal(
        isRaised,
        lost === 'answer',
        `${lost}: auth_time is that of the step-up only if the service got the request`,
      );
      t.ok(await next.token(access ?? ''), 'and the next refresh also succeeds');
    }
  },
);

t.test('a pending refresh is finished before a step-up', async (t) => {
  let once = true;
  const lossy: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    if (!String(input).endsWith('/auth/refresh') || !once) return answer;
    once = false;
    throw new TypeError('lost');
  };
  const { remove, client, service } = await startClientOfAnn(t, { password: PASSWORD }, { fetch: lossy });
  const [answer, token] = await Promise.all([remove(), client.token((await client.token()) ?? '')]);
  t.equal(answer.status, 204);
  t.ok(token);
  t.equal(countAnswers(service, '/auth/step-up'), 1);
});

t.test('the challenge of any resource server leads to a step-up, once for each call', async (t) => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(401, {
      'www-authenticate': 'Bearer error="insufficient_user_authentication", acr_values="aal2"',
    });
    response.end('{"code":"other"}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { client, challenges } = await startClientOfAnn(t, { password: PASSWORD }, { origins: [origin] });
  const answer = await client.fetch(origin);
  t.equal(answer.status, 401);
  t.equal(challenges.length, 1);
  t.equal(new Set(seen).size, 2, 'repeated once, with another token');
});

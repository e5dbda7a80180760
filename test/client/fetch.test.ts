import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';
import { countAnswers, startSignedIn } from './support/sessions.ts';

interface ReceivedRequest {
  readonly authorization: string | undefined;
  readonly body: string;
}

/** An API of another party, and the requests that it received. */
async function startApi(t: Test, answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const received: ReceivedRequest[] = [];
  const server = createServer(async (request, response) => {
    received.push({ authorization: request.headers.authorization, body: await text(request) });
    answer(response, request);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close().closeAllConnections());
  return { received, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Accepts every token except this one. */
const refuseToken = (token: () => string) => (response: ServerResponse, request: IncomingMessage) => {
  response.writeHead(request.headers.authorization === `Bearer ${token()}` ? 401 : 200).end('the end');
};

t.test('a 401 leads to one refresh and one repetition', async (t) => {
  const service = await startHttpService(t);
  let refused = '';
  const { received, origin } = await startApi(
    t,
    refuseToken(() => refused),
  );
  const { client, pair } = await startSignedIn(t, service, { origins: [origin] });
  refused = pair.access;
  const bodies = [
    ['text', /^text$/],
    [new URLSearchParams({ a: 'b' }), /^a=b$/],
    [new Blob(['blob']), /^blob$/],
    [new TextEncoder().encode('bytes'), /^bytes$/],
  ] as const;
  for (const [body, expected] of bodies) {
    received.length = 0;
    const answer = await client.fetch(new URL(origin), {
      method: 'POST',
      body,
      headers: { 'x-mine': 'yes' },
    });
    t.equal(answer.status, 200);
    t.equal(received.length, 2);
    for (const request of received) t.match(request.body, expected);
    refused = received[1]?.authorization?.slice('Bearer '.length) ?? '';
  }
  t.equal(countAnswers(service, '/auth/refresh'), bodies.length);
});

t.test('a call that gets 401 twice is not repeated again', async (t) => {
  const service = await startHttpService(t);
  const { received, origin } = await startApi(t, (response) => response.writeHead(401).end());
  const { client, signedOut } = await startSignedIn(t, service, { origins: [origin] });
  t.equal((await client.fetch(origin)).status, 401);
  t.equal(received.length, 2);
  t.equal(countAnswers(service, '/auth/refresh'), 1);
  t.same(signedOut, []);
});

t.test('a body that was already read is not sent again', async (t) => {
  const service = await startHttpService(t);
  let refused = '';
  const { received, origin } = await startApi(
    t,
    refuseToken(() => refused),
  );
  const { client, pair } = await startSignedIn(t, service, { origins: [origin] });
  refused = pair.access;
  const stream = { method: 'POST', body: new Blob(['stream']).stream(), duplex: 'half' } as const;
  for (const request of [
    () => client.fetch(origin, stream),
    () => client.fetch(new Request(origin, { method: 'POST', body: 'text' })),
  ]) {
    received.length = 0;
    t.equal((await request()).status, 401);
    t.equal(received.length, 1);
  }
  t.equal(
    (await client.fetch(new Request(origin))).status,
    200,
    'a request without a body can be sent again',
  );
});

t.test('a caller that aborts does not wait for the token, and the refresh continues', async (t) => {
  const service = await startHttpService(t);
  let answer = () => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const { client, pair } = await startSignedIn(t, service, {
    fetch: async (input, init) => {
      if (String(input).endsWith('/auth/refresh')) await held;
      return fetch(input, init);
    },
  });
  const refreshed = client.token(pair.access);
  const now = Date.now;
  t.teardown(() => {
    Date.now = now;
  });
  Date.now = () => now() + 900_000;
  const giveUp = new AbortController();
  const aborted = client.fetch(`${service.url}/auth/me`, { signal: giveUp.signal });
  giveUp.abort(new Error('The page has moved on'));
  await t.rejects(aborted, { message: 'The page has moved on' });
  const late = client.fetch(`${service.url}/auth/me`, { signal: giveUp.signal });
  await t.rejects(late, { message: 'The page has moved on' });
  t.equal(countAnswers(service, '/auth/me'), 0);
  answer();
  t.not(await refreshed, pair.access);
});

t.test('a 401 about a wrong password causes no refresh', async (t) => {
  const service = await startHttpService(t);
  const account = { username: 'ann', password: PASSWORD };
  await service.post('/auth/register', { ...account, email: 'ann@example.com' });
  const { client } = await startSignedIn(t, service);
  await client.logIn(account.username, account.password);
  const answer = await client.fetch(`${service.url}/auth/password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ currentPassword: 'not this one', newPassword: 'another piano 43' }),
  });
  t.match(await answer.json(), { code: 'invalid_credentials' });
  t.equal(countAnswers(service, '/auth/refresh'), 0);
});

t.test('the token is never sent to another origin, not even after a redirect', async (t) => {
  const service = await startHttpService(t);
  const stranger = await startApi(t, (response) => response.writeHead(401).end());
  const friend = await startApi(t, (response) =>
    response.writeHead(302, { location: stranger.origin }).end(),
  );
  const { client, pair } = await startSignedIn(t, service, { origins: [friend.origin] });
  await client.fetch(stranger.origin);
  t.same(stranger.received, [{ authorization: undefined, body: '' }]);
  await client.fetch(friend.origin);
  t.equal(friend.received[0]?.authorization, `Bearer ${pair.access}`);
  t.ok(stranger.received.length > 1);
  for (const { authorization } of stranger.received) t.equal(authorization, undefined);
});

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { startHttpService } from '../support/http.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { sessionOf, startSignedIn } from './support/sessions.ts';

type Scripted = readonly [status: number, headers: Readonly<Record<string, string>>, body: string];

/** A server that sends the answers of `script`. After the last of them, the client's requests go to the service. */
async function startWithScript(t: Test, script: Scripted[]) {
  const server = createServer((request, response) => {
    request.resume();
    const [status, headers, body] = script.shift() ?? [500, {}, 'the script is over'];
    response.writeHead(status, headers).end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const service = await startHttpService(t);
  const through: typeof fetch = (input, init) => {
    const address = String(input);
    return fetch(script.length > 0 ? address.replace(service.url, url) : input, init);
  };
  return { service, ...(await startSignedIn(t, service, { fetch: through })) };
}

const unavailable = JSON.stringify({
  code: 'unavailable',
  recovery: 'retry',
  detail: 'The service cannot answer.',
});

t.test('a refresh is repeated until a short fault is over', async (t) => {
  const { client, pair, service, signedOut } = await startWithScript(t, [
    [503, { 'retry-after': '1' }, unavailable],
    [502, {}, '<h1>Bad gateway</h1>'],
    [200, { 'content-type': 'application/json' }, '{"code":"invalid_token","recovery":"login"}'],
    [429, { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }, ''],
  ]);
  t.not(await client.token(pair.access), pair.access);
  t.same(await sessionOf(service, pair), { generation: 1, ended: null });
  t.same(signedOut, []);
});

t.test('a logout that a captive portal answers is repeated until the service ends the session', async (t) => {
  const page: Scripted = [200, { 'content-type': 'text/html' }, '<h1>Welcome to our hotel</h1>'];
  const { client, pair, service } = await startWithScript(t, [page, [200, {}, '{"recovery":"login"}'], page]);
  await client.logOut();
  t.match(await sessionOf(service, pair), { ended: 'logout' });

  const away = await startWithScript(t, Array(5).fill(page));
  await t.rejects(away.client.logOut(), { code: 'unexpected_answer', recovery: 'retry', status: 200 });
});

t.test('a fault that lasts rejects the call, and ends no session', async (t) => {
  const { client, pair, signedOut } = await startWithScript(t, Array(5).fill([500, {}, 'oh']));
  await t.rejects(client.token(pair.access), { code: 'unexpected_answer', recovery: 'retry', status: 500 });
  t.not(await client.token(pair.access), pair.access, 'the next call succeeds');
  t.same(signedOut, []);
});

t.test('no request is sent during a long Retry-After', async (t) => {
  const script: Scripted[] = [
    [503, { 'retry-after': '3600' }, unavailable],
    [500, {}, 'this answer must not be sent'],
  ];
  const { client, pair, signedOut } = await startWithScript(t, script);
  const error = { code: 'unavailable', recovery: 'retry', status: 503, retryAfter: 3600 };
  await t.rejects(client.token(pair.access), error);
  await t.rejects(client.token(pair.access), error);
  t.equal(script.length, 1, 'one request was sent');
  t.equal(await client.token(), pair.access, 'the old token is still valid');
  t.same(signedOut, []);
});

t.test('a long pause before the next attempt also passes while the machine sleeps', async (t) => {
  const { client, pair } = await startWithScript(t, [[503, { 'retry-after': '3600' }, unavailable]]);
  await t.rejects(client.token(pair.access), { code: 'unavailable', recovery: 'retry', retryAfter: 3600 });
  const now = Date.now;
  t.teardown(() => {
    Date.now = now;
  });
  Date.now = () => now() + 3_600_000; // performance.now stands still
  t.not(await client.token(pair.access), pair.access);
});

t.test('an answer that is not from the service ends no session', async (t) => {
  const { client, pair, service, signedOut } = await startWithScript(t, [
    [401, { 'www-authenticate': 'Basic' }, 'This is the staging area.'],
    [404, {}, '{}'],
    [403, {}, 'null'],
  ]);
  for (const status of [401, 404, 403]) {
    await t.rejects(client.token(pair.access), { code: 'unexpected_answer', recovery: 'none', status });
  }
  t.ok(await client.token(pair.access));
  t.equal((await sessionOf(service, pair)).ended, null);
  t.same(signedOut, []);
});

t.test('a service that does not answer rejects the call, and ends no session', async (t) => {
  const service = await startHttpService(t);
  const proxy = await tcpProxy(t, { host: '127.0.0.1', port: Number(new URL(service.url).port) });
  const url = `http://127.0.0.1:${proxy.port}`;
  const { client, pair, signedOut } = await startSignedIn(t, service, { url, timeout: 50 });
  proxy.pause();
  await t.rejects(client.token(pair.access), {
    code: 'unreachable',
    recovery: 'retry',
    cause: { name: 'TimeoutError' },
  });
  proxy.resume();
  t.ok(await client.token());
  t.same(signedOut, []);
});

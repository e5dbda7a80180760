import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Tracing } from '../../src/ports/tracing.ts';
import { type HttpOverrides, startHttpService } from '../support/http.ts';
import { rawConnection, rawRequest } from '../support/raw-http.ts';
import { waitUntil } from '../support/wait-until.ts';

const HOST = 'Host: localhost';
const EMPTY = 'Content-Length: 0';
const JSON_TYPE = 'Content-Type: application/json';

const stuck = () => new Promise<never>(() => {});

/** Starts the service, which records its spans and the ends of its requests. */
async function startRecordedService(t: Test, http: HttpOverrides = {}) {
  const open = new Set<string>();
  const ended: string[] = [];
  const tracing: Tracing = {
    start({ name }) {
      open.add(name);
      return { within: (work) => work(), note() {}, end: () => void open.delete(name) };
    },
    current: () => null,
  };
  const onRequestEnded: HttpOverrides['onRequestEnded'] = ({ method, path, status }) =>
    void ended.push(`${method} ${path} ${status}`);
  return { ...(await startHttpService(t, { http: { tracing, onRequestEnded, ...http } })), open, ended };
}

t.test('a request is reported if its client closes the connection before the answer', async (t) => {
  const refreshing = rawRequest('POST /auth/refresh?refreshToken=x', [HOST, EMPTY]);
  const live = rawRequest('GET /health/live', [HOST]);
  const chunked = [HOST, 'Transfer-Encoding: chunked'];
  const cases: Record<string, { bytes: string; ends: string[] }> = {
    'with a complete body': { bytes: refreshing, ends: ['POST /auth/refresh 499'] },
    'with another request behind it': {
      bytes: `${refreshing}${live}`,
      ends: ['GET /health/live 200', 'POST /auth/refresh 499'],
    },
    'with a part of its JSON body': {
      bytes: rawRequest('POST /auth/refresh', [HOST, JSON_TYPE, 'Content-Length: 9'], '{'),
      ends: ['POST /auth/refresh 499'],
    },
    'with a part of a body of another type': {
      bytes: rawRequest('POST /auth/refresh', [...chunked, 'Content-Type: text/weird']),
      ends: ['POST /auth/refresh 499'],
    },
  };
  for (const [name, { bytes, ends }] of Object.entries(cases)) {
    const { url, open, ended, lines } = await startRecordedService(t, { refresh: stuck });
    const socket = rawConnection(url);
    socket.write(bytes);
    await waitUntil(() => open.size === ends.length);
    await sleep(50);
    t.same(ended, [], `${name}: not reported yet`);
    socket.destroy();
    await waitUntil(() => open.size === 0);
    t.same(ended.sort(), ends, name);
    const logged = lines.filter((line) => line.includes('"ms"')).map((line) => JSON.parse(line));
    t.equal(logged.length, ends.length);
    for (const line of logged)
      t.match(line, { msg: 'the connection was closed before the end of the answer' }, name);
  }
});

t.test('a complete answer is reported as answered, once', async (t) => {
  const { url, open, ended, lines, send } = await startRecordedService(t);
  await send('/health/live');
  const socket = rawConnection(url);
  socket.write(rawRequest('GET /nowhere', [HOST]));
  await once(socket, 'data');
  socket.destroy();
  await sleep(50);
  t.same(ended, ['GET /health/live 200', 'GET none 404']);
  t.equal(open.size, 0);
  t.equal(lines.filter((line) => line.includes('"answered"')).length, 2);
});

t.test(
  'a login whose client resets the connection at once is logged with the address of the client',
  async (t) => {
    const { url, lines, post } = await startHttpService(t);
    const body = JSON.stringify({ username: 'ann', password: 'wrong' });
    const login = rawRequest('POST /auth/login', [HOST, JSON_TYPE, `Content-Length: ${body.length}`], body);
    for (let index = 0; index < 50; index += 1) {
      const socket = rawConnection(url);
      await once(socket, 'connect');
      socket.write(login);
      socket.resetAndDestroy();
    }
    await post('/auth/login', { username: 'bob', password: 'wrong' });
    await waitUntil(() => lines.filter((line) => line.includes('login_failed')).length > 1);
    const addresses = lines
      .map((line) => JSON.parse(line).address)
      .filter((address) => address !== undefined);
    t.same(new Set(addresses), new Set(['127.0.0.1']));
  },
);

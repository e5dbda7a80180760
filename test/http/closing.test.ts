import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Refusal } from '../../src/domain/refusal.ts';
import { startHttpService } from '../support/http.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';

t.test('neither an idle connection nor an incomplete request delays the shutdown', async (t) => {
  const { app, url } = await startHttpService(t, { http: { limits: { drain: 50, finish: 3_600_000 } } });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  const half = connect(Number(new URL(url).port), '127.0.0.1');
  t.teardown(() => half.destroy());
  await once(half, 'connect');
  half.write('POST /auth/refresh HTTP/1.1\r\nHost: localhost\r\n');
  await sleep(50);
  await app.close();
  t.pass('closed');
});

t.test('the shutdown cuts a request that does not end in time', async (t) => {
  const stuck = new Promise<never>(() => {});
  const { app, url, post } = await startHttpService(t, {
    http: { openSession: () => stuck, limits: { drain: 10, finish: 200 } },
  });
  const answer = post('/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11').catch(() => 'cut');
  await sleep(100);
  await app.close();
  t.equal(await answer, 'cut');
  await t.rejects(fetch(url), 'the port is closed');
});

t.test('the shutdown answers every request of a client that does not wait for answers', async (t) => {
  const slow = async () => {
    await sleep(400);
    throw new Refusal('token_expired');
  };
  const live = rawRequest('GET /health/live', ['Host: localhost']);
  const refresh = rawRequest('POST /auth/refresh?refreshToken=x', ['Host: localhost', 'Content-Length: 0']);
  for (const [requests, statuses] of [
    [live + refresh, ['200', '401']],
    [refresh + refresh, ['401', '401']],
  ] as const) {
    const { app, url } = await startHttpService(t, {
      http: { refresh: slow, limits: { drain: 200, finish: 5_000 } },
    });
    const answer = sendRaw(url, requests);
    await sleep(100);
    await app.close();
    t.same((await answer).text.match(/(?<=HTTP\/1\.1 )\d+/g), statuses);
  }
});

t.test('every request is answered before its deadline, with or without a body', async (t) => {
  const stuck = () => new Promise<never>(() => {});
  const { post } = await startHttpService(t, {
    http: { openSession: stuck, refresh: stuck, limits: { handlerTimeout: 150 } },
  });
  for (const answer of [
    await post('/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11'),
    await post('/auth/refresh', { refreshToken: 'x' }),
    await post('/auth/refresh?refreshToken=x'),
  ]) {
    t.match(answer, { status: 503, body: { code: 'unavailable', recovery: 'retry' } });
    t.equal(answer.headers.get('retry-after'), '1');
  }
});

t.test('an answer after the deadline is dropped, and the log holds no query of its request', async (t) => {
  const handlerTimeout = 100;
  const late = async <Answer>(answer: Answer) => {
    await sleep(2 * handlerTimeout);
    return answer;
  };
  const { post, lines } = await startHttpService(t, {
    http: {
      refresh: () => late({ access: 'a', refresh: 'r', expiresIn: 1, refreshExpiresIn: 2, remembered: true }),
      register: ({ username, email }) => late({ id: randomUUID(), username, email }),
      limits: { handlerTimeout },
    },
  });
  const registration = { username: 'ada', email: 'ada@example.org', password: 'a long password' };
  t.equal((await post('/auth/refresh?refreshToken=canary', {})).status, 503);
  t.equal((await post('/auth/register?token=canary', registration)).status, 503);
  await sleep(2 * handlerTimeout);
  t.notMatch(lines.join(''), 'canary');
});

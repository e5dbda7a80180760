import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { ELSEWHERE, HOME } from '../support/sessions.ts';

interface Item {
  readonly type: string;
  readonly generation?: number;
  readonly address: string;
  readonly actor: { readonly kind: string; readonly name?: string };
  readonly data: Record<string, unknown>;
}

async function eventsOf({ send, adminKey }: HttpService, sessionId: string, query = '') {
  const headers = { 'x-api-key': adminKey };
  const { status, body } = await send(`/admin/sessions/${sessionId}/events${query}`, { headers });
  const { session, data = [], nextCursor } = body as { session?: object; data?: Item[]; nextCursor?: string };
  return { status, session, data, nextCursor };
}

async function withSession(t: Test) {
  const service = await startHttpService(t);
  const pair = await service.logIn();
  return { service, pair, sessionId: String(claimsOf(pair.access).sid) };
}

t.test('the life of a stolen session is recorded, each event with its generation', async (t) => {
  const { service, pair, sessionId } = await withSession(t);
  const { time } = service;
  time.now += 60_000;
  const second = await service.refresh(pair);
  time.now += 60_000;
  await service.refresh(second, { client: ELSEWHERE });
  time.now += 60_000;
  await t.rejects(service.refresh(pair, { client: ELSEWHERE }), { code: 'token_reused' });

  const { session, data } = await eventsOf(service, sessionId);
  t.match(session, {
    id: sessionId,
    generation: 2,
    endReason: 'reuse',
    endedAt: new Date(time.now).toISOString(),
  });
  t.match(data, [
    { type: 'sessions.started', generation: 0, address: HOME.address, actor: { kind: 'system' } },
    { type: 'sessions.address_changed', generation: 2, address: ELSEWHERE.address, actor: { kind: 'user' } },
    { type: 'sessions.reuse_detected', generation: 2, data: { presentedGeneration: 0 } },
  ]);
  t.equal(data[2]?.data.presentedIat, claimsOf(pair.refresh).iat);
});

t.test('a plain rotation and a plain retry are not recorded', async (t) => {
  const { service, pair, sessionId } = await withSession(t);
  await service.refresh(pair, { key: 'one' });
  await service.refresh(pair, { key: 'one' });
  t.same(
    (await eventsOf(service, sessionId)).data.map(({ type }) => type),
    ['sessions.started'],
  );
});

t.test('each change of the network is recorded, also a change back', async (t) => {
  const { service, pair, sessionId } = await withSession(t);
  let current = pair;
  for (const client of [ELSEWHERE, HOME, ELSEWHERE]) {
    service.time.now += 1_000;
    current = await service.refresh(current, { client });
  }
  const { data } = await eventsOf(service, sessionId);
  t.same(
    data.slice(1).map(({ address, generation }) => [address, generation]),
    [
      [ELSEWHERE.address, 1],
      [HOME.address, 2],
      [ELSEWHERE.address, 3],
    ],
  );
});

t.test(
  'events name the service key that opened the session, and the service key that ended it',
  async (t) => {
    const service = await startHttpService(t);
    const { send, post, adminKey, loginKey } = service;
    const { body } = await post(`/auth/login?userId=${randomUUID()}`, undefined, { 'x-api-key': loginKey });
    const sessionId = String(claimsOf(String(body.access)).sid);
    service.time.now += 1_000;
    await send(`/admin/sessions/${sessionId}`, { method: 'DELETE', headers: { 'x-api-key': adminKey } });
    t.match((await eventsOf(service, sessionId)).data, [
      { type: 'sessions.started', actor: { kind: 'service_key', name: 'backend' } },
      {
        type: 'sessions.revoked',
        actor: { kind: 'service_key', name: 'operator' },
        data: { reason: 'administrator' },
      },
    ]);
  },
);

t.test('the cursor of a page leads to the next page', async (t) => {
  const { service, pair, sessionId } = await withSession(t);
  service.time.now += 1_000;
  await service.refresh(pair, { client: ELSEWHERE });
  const first = await eventsOf(service, sessionId, '?limit=1');
  const second = await eventsOf(service, sessionId, `?limit=1&cursor=${first.nextCursor}`);
  t.same(
    [...first.data, ...second.data].map(({ type }) => type),
    ['sessions.started', 'sessions.address_changed'],
  );
  t.equal(second.nextCursor, undefined);
  const newest = await eventsOf(service, sessionId, '?limit=1&order=newest');
  const oldest = await eventsOf(service, sessionId, `?limit=1&order=newest&cursor=${newest.nextCursor}`);
  t.same([...newest.data, ...oldest.data], [...second.data, ...first.data]);
  t.equal((await eventsOf(service, sessionId, '?cursor=1.2')).status, 400);
});

t.test('an unknown session is 404, and a key without the scope is refused', async (t) => {
  const service = await startHttpService(t);
  t.equal((await eventsOf(service, randomUUID())).status, 404);
  const answer = await service.send(`/admin/sessions/${randomUUID()}/events`, {
    headers: { 'x-api-key': service.loginKey },
  });
  t.equal(answer.status, 403);
});

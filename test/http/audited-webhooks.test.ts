import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { SIGNALS_KEY, startHttpService } from '../support/http.ts';
import { someKeySet } from '../support/key-set.ts';

const URL_IN = 'https://hooks.example.com/in?token=a-secret';

async function startAudited(t: Test) {
  const { keySet } = await someKeySet('ES256');
  const service = await startHttpService(t, { keySet });
  const call = (method: string, path: string, key: string, body?: object) => {
    service.time.now += 1_000;
    return service.send(path, {
      method,
      headers: { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  };
  const events = async () =>
    (await service.auditLog.list({}, { limit: 100, after: null })).events
      .filter(({ type }) => type.startsWith('webhooks.'))
      .map(({ type, origin, data, userId }) => ({ type, by: origin.actor.name, data, userId }));
  return { ...service, call, events };
}

t.test('each action of an operator on an endpoint is recorded, without its URL or secret', async (t) => {
  const { call, events, adminKey, webhookDeliveries, time } = await startAudited(t);
  const act = (method: string, path: string, body?: object) => call(method, path, adminKey, body);
  const added = await act('POST', '/admin/webhooks', { url: URL_IN, types: ['sessions.*'] });
  const endpointId = String(added.body.id);
  const path = `/admin/webhooks/${endpointId}`;
  await act('PATCH', path, { url: `${URL_IN}2`, enabled: false });
  const { body } = await act('POST', `${path}/secret`);
  const eventId = randomUUID();
  const data = { userId: randomUUID() };
  await webhookDeliveries.add(endpointId, { id: eventId, type: 'users.deleted', occurredAt: time.now, data });
  await act('POST', `${path}/deliveries/${eventId}/send`);
  await act('POST', `${path}/deliveries/${randomUUID()}/send`);
  const [claimed] = await webhookDeliveries.claim(endpointId, time.now, time.now, 1);
  t.notOk(claimed, 'the endpoint is disabled');
  await webhookDeliveries.record(endpointId, [{ eventId, state: 'failed', dueAt: time.now, history: [] }]);
  const span = { from: '2020-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z' };
  await act('POST', `${path}/deliveries/send`, span);
  await act('POST', `${path}/deliveries/send`, span);
  await act('DELETE', path);
  await act('DELETE', path);
  const found = await events();
  t.same(
    found.map(({ type, data: facts }) => [type, facts]),
    [
      ['webhooks.added', { endpointId }],
      ['webhooks.changed', { endpointId, changed: ['url', 'state'], state: 'disabled' }],
      ['webhooks.secret_rotated', { endpointId }],
      ['webhooks.sent_again', { endpointId, eventId }],
      [
        'webhooks.sent_again',
        { endpointId, from: '2020-01-01T00:00:00.000Z', to: '2030-01-01T00:00:00.000Z' },
      ],
      ['webhooks.removed', { endpointId }],
    ],
  );
  t.ok(found.every(({ by, userId }) => by === 'operator' && userId === null));
  const text = JSON.stringify(found);
  t.notMatch(text, /hooks\.example|whsec_/);
  for (const secret of [added.body.secret, body.secret]) {
    t.match(secret, /^whsec_./);
    t.notOk(text.includes(String(secret).slice('whsec_'.length)));
  }
});

t.test('each change of a receiver to its stream is recorded', async (t) => {
  const { call, events } = await startAudited(t);
  const delivery = {
    method: 'urn:ietf:rfc:8935',
    endpoint_url: URL_IN,
    authorization_header: 'Bearer a-secret',
  };
  const created = await call('POST', '/signals/streams', SIGNALS_KEY, { delivery });
  t.equal(created.status, 201);
  const id = String(created.body.stream_id);
  await call('PATCH', '/signals/streams', SIGNALS_KEY, { stream_id: id, description: 'of the shop' });
  await call('POST', '/signals/status', SIGNALS_KEY, { stream_id: id, status: 'paused' });
  await call('DELETE', `/signals/streams?stream_id=${id}`, SIGNALS_KEY);
  const found = await events();
  t.match(found, [
    { type: 'webhooks.added', by: 'receiver', data: { endpointId: id } },
    { type: 'webhooks.changed', data: { changed: ['stream'] } },
    { type: 'webhooks.changed', data: { changed: ['state'], state: 'paused' } },
    { type: 'webhooks.removed' },
  ]);
  t.notMatch(JSON.stringify(found), /hooks.example|a-secret/);
});

t.test('a request that changes nothing is not recorded', async (t) => {
  const { call, events, adminKey } = await startAudited(t);
  const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: URL_IN };
  const { body } = await call('POST', '/signals/streams', SIGNALS_KEY, { delivery, description: 'ours' });
  const stream_id = String(body.stream_id);
  for (const change of [{}, { enabled: true }, { contact: null }])
    t.equal((await call('PATCH', `/admin/webhooks/${stream_id}`, adminKey, change)).status, 200);
  for (const [method, path, change] of [
    ['PATCH', 'streams', {}],
    ['PATCH', 'streams', { description: 'ours' }],
    ['POST', 'status', { status: 'enabled' }],
  ] as const)
    t.equal((await call(method, `/signals/${path}`, SIGNALS_KEY, { stream_id, ...change })).status, 200);
  t.match(await events(), [{ type: 'webhooks.added' }]);
  t.equal((await events()).length, 1);
});

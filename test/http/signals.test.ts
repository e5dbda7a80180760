import t, { type Test } from 'tap';
import { SUPPORTED_EVENTS } from '../../src/domain/streams.ts';
import { OTHER_SIGNALS_KEY, SIGNALS_KEY, startHttpService } from '../support/http.ts';
import { someKeySet } from '../support/key-set.ts';

const ISSUER = 'https://auth.example.com';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const DELIVERY = { method: 'urn:ietf:rfc:8935', endpoint_url: 'https://receiver.example.com/events' };
const UNKNOWN = 'urn:example:secevent:events:type_4';

/** The service with an asymmetric key. `call` sends a request of a receiver. */
async function startSignals(t: Test, alg: 'ES256' | null = 'ES256') {
  const set = alg === null ? {} : await someKeySet(alg);
  const service = await startHttpService(t, { ...set, http: { issuer: ISSUER, publicUrl: ISSUER } });
  const call = async (method: string, path: string, body?: object, key = SIGNALS_KEY) =>
    service.send(`/signals${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  const create = async (body: object = {}) => {
    const created = await call('POST', '/streams', { delivery: DELIVERY, ...body });
    return { ...created, id: String(created.body.stream_id) };
  };
  const setEnabled = (id: string, enabled: boolean) =>
    service.send(`/admin/webhooks/${id}`, {
      method: 'PATCH',
      headers: { 'x-api-key': service.adminKey, 'content-type': 'application/json' },
      body: JSON.stringify({ enabled }),
    });
  /** Makes another request after the next request has read its stream, and before it writes. */
  const beforeNextChange = (request: () => Promise<unknown>) => {
    const { webhookEndpoints: store } = service;
    const { change } = store;
    store.change = async (...values) => {
      store.change = change;
      await request();
      return change(...values);
    };
  };
  return { ...service, call, create, setEnabled, beforeNextChange };
}

t.test('a receiver creates, reads, changes, replaces and removes a stream', async (t) => {
  const { call, create } = await startSignals(t);
  const events_requested = [`${CAEP}/session-revoked`, UNKNOWN];
  const { id, status, body, headers } = await create({ events_requested, description: 'Sessions' });
  const stream = {
    stream_id: id,
    iss: ISSUER,
    aud: 'receiver',
    delivery: DELIVERY,
    events_supported: [...SUPPORTED_EVENTS],
    events_requested,
    events_delivered: [`${CAEP}/session-revoked`],
    min_verification_interval: 30,
    description: 'Sessions',
  };
  t.equal(status, 201);
  t.equal(headers.get('cache-control'), 'no-store');
  t.same(body, stream);
  t.same((await call('GET', `/streams?stream_id=${id}`)).body, stream);
  t.same((await call('GET', '/streams')).body, [stream]);

  const changed = { ...stream, description: 'The ends of sessions' };
  const change = {
    stream_id: id,
    description: changed.description,
    events_delivered: stream.events_delivered,
  };
  t.match(await call('PATCH', '/streams', change), { status: 200, body: changed });
  t.same((await call('GET', `/streams?stream_id=${id}`)).body, changed);

  const endpoint_url = 'https://other.example.com/events';
  const replaced = await call('PUT', '/streams', { stream_id: id, delivery: { ...DELIVERY, endpoint_url } });
  const { description: _removed, ...rest } = stream;
  t.same(replaced.body, {
    ...rest,
    delivery: { ...DELIVERY, endpoint_url },
    events_requested: [...SUPPORTED_EVENTS],
    events_delivered: [...SUPPORTED_EVENTS],
  });
  t.equal((await call('DELETE', `/streams?stream_id=${id}`)).status, 204);
  t.equal((await call('GET', `/streams?stream_id=${id}`)).status, 404);
  t.same((await call('GET', '/streams')).body, []);
});

t.test('a request may repeat a property that the service sets, but not change it', async (t) => {
  const { call, create } = await startSignals(t);
  const { id, body } = await create();
  for (const method of ['PATCH', 'PUT']) {
    const { status } = await call(method, '/streams', {
      ...body,
      events_delivered: [...SUPPORTED_EVENTS].reverse(),
    });
    t.equal(status, 200, method);
    for (const wrong of [{ iss: 'https://evil.example' }, { aud: 'other' }, { events_delivered: [] }]) {
      const answer = await call(method, '/streams', { ...body, ...wrong, description: 'no' });
      t.match(
        answer,
        { status: 400, body: { code: 'invalid_request' } },
        `${method} ${JSON.stringify(wrong)}`,
      );
    }
  }
  t.notOk('description' in (await call('GET', `/streams?stream_id=${id}`)).body);
});

t.test('a description of more than one line is refused', async (t) => {
  const { call, create } = await startSignals(t);
  const { body } = await create();
  for (const separator of ['\n', '\r', '\u2028', '\u2029'])
    for (const method of ['PATCH', 'PUT']) {
      const answer = await call(method, '/streams', { ...body, description: `two${separator}lines` });
      const line = `${method} U+${separator.codePointAt(0)?.toString(16)}`;
      t.match(answer, { status: 400, body: { code: 'invalid_request' } }, line);
    }
});

t.test('a stream without supported events is created, and gets no events', async (t) => {
  const { create, webhookEndpoints } = await startSignals(t);
  const { id, body } = await create({ events_requested: [UNKNOWN] });
  t.match(body, { events_requested: [UNKNOWN] });
  t.same(body.events_delivered, []);
  t.same((await webhookEndpoints.find(id))?.types, []);
});

t.test('a receiver has at most ten streams', async (t) => {
  const { create } = await startSignals(t);
  for (let n = 0; n < 10; n += 1) t.equal((await create()).status, 201);
  t.match(await create(), { status: 409, body: { code: 'conflict' } });
});

t.test('a receiver pauses, disables and enables its stream', async (t) => {
  const { call, create, webhookEndpoints } = await startSignals(t);
  const { id } = await create();
  const read = () => call('GET', `/status?stream_id=${id}`);
  t.same((await read()).body, { stream_id: id, status: 'enabled' });
  for (const wanted of [
    { status: 'paused', reason: 'An upgrade' },
    { status: 'disabled' },
    { status: 'enabled' },
  ]) {
    const { status, body, headers } = await call('POST', '/status', { stream_id: id, ...wanted });
    t.equal(status, 200);
    t.same(body, { stream_id: id, ...wanted });
    t.equal(headers.get('cache-control'), 'no-store');
    t.same((await read()).body, body);
    t.equal((await webhookEndpoints.find(id))?.state, wanted.status);
  }
});

t.test(
  'only an operator can enable a stream that an operator disabled, and the receiver gets events about both',
  async (t) => {
    const { call, create, send, adminKey, webhookDeliveries } = await startSignals(t);
    const { id } = await create();
    const asOperator = (body: object) =>
      send(`/admin/webhooks/${id}`, {
        method: 'PATCH',
        headers: { 'x-api-key': adminKey, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    t.match(await asOperator({ enabled: false }), {
      status: 200,
      body: { receiver: 'receiver', state: 'disabled', disabledBecause: 'operator' },
    });
    const enable = () => call('POST', '/status', { stream_id: id, status: 'enabled' });
    t.match(await enable(), { status: 403, body: { code: 'forbidden' } });
    t.equal((await asOperator({ enabled: true })).status, 200);
    t.equal((await enable()).status, 200);
    const deliveries = await webhookDeliveries.list(id, 10, null);
    t.same(
      deliveries.map(({ event }) => event.type),
      ['streams.updated', 'streams.updated'],
    );
    t.equal(
      (await asOperator({ url: 'https://elsewhere.example.com/' })).status,
      409,
      'only the receiver can change the URL',
    );
  },
);

t.test('the reason of a status belongs to the request or the operator that set it', async (t) => {
  const { call, create, setEnabled } = await startSignals(t);
  const { id } = await create();
  await call('POST', '/status', { stream_id: id, status: 'paused', reason: 'An upgrade' });
  for (const enabled of [false, true]) {
    await setEnabled(id, enabled);
    const status = enabled ? 'enabled' : 'disabled';
    const reason = `An operator has ${status} the stream.`;
    t.same((await call('GET', `/status?stream_id=${id}`)).body, { stream_id: id, status, reason });
  }
});

t.test('a receiver cannot enable a stream that an operator disables at the same time', async (t) => {
  const { call, create, setEnabled, webhookEndpoints, beforeNextChange } = await startSignals(t);
  const { id } = await create();
  beforeNextChange(() => setEnabled(id, false));
  const paused = await call('POST', '/status', { stream_id: id, status: 'paused' });
  t.match(paused, { status: 403, body: { code: 'forbidden' } });
  t.match(await webhookEndpoints.find(id), { state: 'disabled', disabledBecause: 'operator' });
});

t.test('two concurrent changes of one stream are both made', async (t) => {
  const { call, create, beforeNextChange } = await startSignals(t);
  const { id } = await create({ description: 'before' });
  const status = { status: 'paused', reason: 'An upgrade' };
  beforeNextChange(() => call('POST', '/status', { stream_id: id, ...status }));
  t.equal((await call('PATCH', '/streams', { stream_id: id, description: 'after' })).status, 200);
  const events_requested = [`${CAEP}/session-revoked`];
  beforeNextChange(() => call('PATCH', '/streams', { stream_id: id, events_requested }));
  t.equal((await call('PATCH', '/streams', { stream_id: id, description: 'at last' })).status, 200);
  t.match((await call('GET', `/status?stream_id=${id}`)).body, status);
  const stream = { description: 'at last', events_requested, events_delivered: events_requested };
  t.match((await call('GET', `/streams?stream_id=${id}`)).body, stream);
});

t.test('a request is answered with 503 if its stream keeps changing meanwhile', async (t) => {
  const { call, create, webhookEndpoints } = await startSignals(t);
  const { id } = await create();
  webhookEndpoints.change = async () => null;
  const refused = await call('POST', '/status', { stream_id: id, status: 'paused' });
  t.match(refused, { status: 503, body: { code: 'unavailable' } });
});

t.test('a verification event is recorded with its state, at most once in 30 seconds', async (t) => {
  const { call, create, webhookDeliveries, time } = await startSignals(t);
  const { id } = await create();
  const verify = () => call('POST', '/verification', { stream_id: id, state: 'VGhpcyBpcyBh' });
  t.equal((await verify()).status, 204);
  const again = await verify();
  t.match(again, { status: 429, body: { code: 'too_many_requests' } });
  t.equal(again.headers.get('retry-after'), '30');
  const claimed = await webhookDeliveries.claim(id, time.now, time.now + 1_000, 10);
  t.match(claimed, [{ event: { type: 'streams.verification', data: { state: 'VGhpcyBpcyBh' } } }]);
  t.equal(claimed.length, 1);
  time.now += 30_000;
  t.equal((await verify()).status, 204);
  await call('POST', '/status', { stream_id: id, status: 'disabled' });
  time.now += 30_000;
  t.match(await verify(), { status: 409, body: { code: 'conflict' } });
});

t.test('the authorization header of deliveries is sealed and never shown', async (t) => {
  const { call, create, webhookEndpoints, lines } = await startSignals(t);
  const secret = 'Bearer a-token-of-the-receiver';
  const { id, body } = await create({ delivery: { ...DELIVERY, authorization_header: secret } });
  const stored = await webhookEndpoints.find(id);
  t.type(stored?.sealedCredentials, 'string');
  const shown = [body, await call('GET', '/streams'), stored, lines];
  t.notMatch(JSON.stringify(shown), 'a-token-of-the-receiver');
  await call('PATCH', '/streams', { stream_id: id, description: 'kept' });
  t.equal((await webhookEndpoints.find(id))?.sealedCredentials, stored?.sealedCredentials);
  await call('PATCH', '/streams', {
    stream_id: id,
    delivery: { ...DELIVERY, endpoint_url: 'https://other.example.com/' },
  });
  t.equal(
    (await webhookEndpoints.find(id))?.sealedCredentials,
    null,
    'the header is not sent to another URL',
  );
});

t.test('the configuration names the endpoints, and needs published keys', async (t) => {
  const { send } = await startSignals(t);
  const { status, headers, body } = await send('/.well-known/ssf-configuration');
  t.equal(status, 200);
  t.match(headers.get('content-type'), /^application\/json/);
  t.same(body, {
    spec_version: '1_0',
    issuer: ISSUER,
    jwks_uri: `${ISSUER}/.well-known/jwks.json`,
    delivery_methods_supported: ['urn:ietf:rfc:8935'],
    configuration_endpoint: `${ISSUER}/signals/streams`,
    status_endpoint: `${ISSUER}/signals/status`,
    verification_endpoint: `${ISSUER}/signals/verification`,
    critical_subject_members: ['user', 'session'],
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6750' }],
    default_subjects: 'ALL',
  });
  const symmetric = await startSignals(t, null);
  t.equal((await symmetric.send('/.well-known/ssf-configuration')).status, 404);
  t.match(await symmetric.create(), { status: 400, body: { detail: /ACCESS_TOKEN_ALG/ } });
});

t.test('two receivers do not see each other’s streams', async (t) => {
  const { call, create } = await startSignals(t);
  const { id } = await create();
  t.same((await call('GET', '/streams', undefined, OTHER_SIGNALS_KEY)).body, []);
  t.equal((await call('GET', `/streams?stream_id=${id}`, undefined, OTHER_SIGNALS_KEY)).status, 404);
});

import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { OTHER_SIGNALS_KEY, SIGNALS_KEY } from '../../support/http.ts';
import { someKeySet } from '../../support/key-set.ts';
import {
  assertUnchanged,
  databaseTest,
  outcomeOf,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const DELIVERY = { method: 'urn:ietf:rfc:8935', endpoint_url: 'https://receiver.example.com/events' };

/** The service with a stream of one receiver. `attack` sends a request that must change nothing. */
async function withStream(t: Test, sql: Sql) {
  const service = await serviceOnDatabase(t, sql, await someKeySet('ES256'));
  const call = (method: string, path: string, body?: object, headers = { 'x-api-key': SIGNALS_KEY }) =>
    service.send(`/signals${path}`, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  const { status, body } = await call('POST', '/streams', { delivery: DELIVERY });
  t.equal(status, 201);
  const attack = async (...[method, path, ...rest]: Parameters<typeof call>) =>
    outcomeOf(await assertUnchanged(t, sql, () => call(method, path, ...rest), `${method} ${path}`));
  return { ...service, call, attack, id: String(body.stream_id) };
}

/** Each operation on a stream. */
function operations(id: string): readonly Parameters<Awaited<ReturnType<typeof withStream>>['call']>[] {
  return [
    ['GET', `/streams?stream_id=${encodeURIComponent(id)}`],
    ['PATCH', '/streams', { stream_id: id, description: 'mine' }],
    ['PUT', '/streams', { stream_id: id, delivery: DELIVERY }],
    ['DELETE', `/streams?stream_id=${encodeURIComponent(id)}`],
    ['GET', `/status?stream_id=${encodeURIComponent(id)}`],
    ['POST', '/status', { stream_id: id, status: 'disabled' }],
    ['POST', '/verification', { stream_id: id }],
  ];
}

databaseTest('a stream of another receiver is unknown', async (t, sql) => {
  const { attack, id } = await withStream(t, sql);
  for (const [method, path, body] of operations(id))
    t.equal(
      await attack(method, path, body, { 'x-api-key': OTHER_SIGNALS_KEY }),
      '404 not_found',
      `${method} ${path}`,
    );
});

databaseTest(
  'an endpoint of operators is not found as a stream, and ids of other forms are unknown',
  async (t, sql) => {
    const { attack, post, adminKey } = await withStream(t, sql);
    const endpoint = { url: 'https://hooks.example.com/in', types: ['*'] };
    const { body } = await post('/admin/webhooks', endpoint, { 'x-api-key': adminKey });
    for (const id of [String(body.id), randomUUID(), '1', '__proto__', "x'; drop table webhook_endpoints"])
      for (const [method, path, body] of operations(id))
        t.equal(await attack(method, path, body), '404 not_found', `${method} ${path}`);
  },
);

databaseTest('the routes need a key with the scope signals', async (t, sql) => {
  const { attack, id, adminKey, loginKey } = await withStream(t, sql);
  const refused: [Record<string, string>, string][] = [
    [{}, '401 unauthenticated'],
    [{ 'x-api-key': 'guess' }, '401 unauthenticated'],
    [{ authorization: 'Bearer guess' }, '401 unauthenticated'],
    [{ authorization: `Basic ${SIGNALS_KEY}` }, '401 unauthenticated'],
    [{ 'x-api-key': adminKey }, '403 forbidden'],
    [{ 'x-api-key': loginKey }, '403 forbidden'],
  ];
  for (const [headers, outcome] of refused)
    for (const [method, path, body] of [...operations(id), ['GET', '/streams'] as const])
      t.equal(
        await attack(method, path, body, headers as { 'x-api-key': string }),
        outcome,
        `${method} ${path} ${JSON.stringify(headers)}`,
      );
});

const FORBIDDEN_URLS = [
  'https://10.0.0.1/events',
  'https://169.254.169.254/latest/meta-data/',
  'https://[::ffff:10.0.0.1]/',
  'https://[fd00::1]/',
  'https://0x0a000001/',
  'https://user@receiver.example.com/',
  'https://receiver.example.com:22/',
  'http://8.8.8.8/events',
  'ftp://receiver.example.com/',
  'https://receiver.example.com/\r\nHost: evil',
];

databaseTest('a stream with an internal address or a forbidden form of URL is refused', async (t, sql) => {
  const { attack, id } = await withStream(t, sql);
  for (const endpoint_url of FORBIDDEN_URLS) {
    const delivery = { ...DELIVERY, endpoint_url };
    for (const [method, path, body] of [
      ['POST', '/streams', { delivery }],
      ['PATCH', '/streams', { stream_id: id, delivery }],
      ['PUT', '/streams', { stream_id: id, delivery }],
    ] as const)
      t.equal(await attack(method, path, body), '400 invalid_request', `${method} ${endpoint_url}`);
  }
});

databaseTest('a stream with invalid members is refused', async (t, sql) => {
  const { attack, id } = await withStream(t, sql);
  const bodies: object[] = [
    {},
    { delivery: { ...DELIVERY, method: 'urn:ietf:rfc:8936' } },
    { delivery: { method: DELIVERY.method } },
    { delivery: DELIVERY, aud: 'other' },
    { delivery: DELIVERY, owner: 'other' },
    { delivery: { ...DELIVERY, authorization_header: 'Bearer a\r\nHost: evil' } },
    { delivery: { ...DELIVERY, authorization_header: '' } },
    { delivery: DELIVERY, events_requested: [] },
    { delivery: DELIVERY, events_requested: Array(51).fill('urn:a') },
    { delivery: DELIVERY, events_requested: ['x'.repeat(256)] },
    { delivery: DELIVERY, description: 'x'.repeat(201) },
    { delivery: DELIVERY, description: 'a\u0000b' },
  ];
  for (const body of bodies)
    t.equal(await attack('POST', '/streams', body), '400 invalid_request', JSON.stringify(body).slice(0, 80));
  for (const body of [
    { stream_id: id, status: 'deleted' },
    { stream_id: id },
    { status: 'paused' },
    { stream_id: id, status: 'paused', reason: 'a\nb' },
  ])
    t.equal(await attack('POST', '/status', body), '400 invalid_request', JSON.stringify(body));
  for (const body of [{ stream_id: id, state: 'x'.repeat(1_025) }, { stream_id: id, state: 7 }, {}])
    t.equal(
      await attack('POST', '/verification', body),
      '400 invalid_request',
      JSON.stringify(body).slice(0, 60),
    );
});

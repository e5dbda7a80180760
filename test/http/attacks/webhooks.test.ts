import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { someKeySet } from '../../support/key-set.ts';
import {
  assertUnchanged,
  databaseTest,
  outcomeOf,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const ENDPOINT = { url: 'https://hooks.example.com/in', types: ['sessions.*'] };

/** The service with an endpoint. `attack` sends a request of an operator that must change nothing. */
async function withEndpoint(t: Test, sql: Sql) {
  const service = await serviceOnDatabase(t, sql, await someKeySet('ES256'));
  const call = (method: string, path: string, body?: object) =>
    service.send(path, {
      method,
      headers: { 'x-api-key': service.adminKey, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  const { status, body } = await call('POST', '/admin/webhooks', ENDPOINT);
  t.equal(status, 201);
  const attack = async (method: string, path: string, body?: object) =>
    outcomeOf(await assertUnchanged(t, sql, () => call(method, path, body), `${method} ${path}`));
  return { ...service, attack, path: `/admin/webhooks/${body.id}`, secret: String(body.secret) };
}

const URLS = [
  'https://10.0.0.1/in',
  'https://192.168.1.1/in',
  'https://169.254.169.254/latest/meta-data/',
  'https://100.64.0.1/',
  'https://[::ffff:10.0.0.1]/',
  'https://[fd00:ec2::254]/',
  'https://0x0a000001/',
  'https://012.0.0.1/',
  'https://user:secret@hooks.example.com/',
  'https://hooks.example.com:25/',
  'http://8.8.8.8/in',
  'ftp://hooks.example.com/',
  'javascript:alert(1)',
  'https://hooks.example.com/\r\nHost: evil',
  `https://hooks.example.com/${'x'.repeat(2_048)}`,
];

databaseTest('an endpoint with an internal address or a forbidden form of URL is refused', async (t, sql) => {
  const { attack, path } = await withEndpoint(t, sql);
  for (const url of URLS) {
    t.equal(await attack('POST', '/admin/webhooks', { ...ENDPOINT, url }), '400 invalid_request', url);
    t.equal(await attack('PATCH', path, { url }), '400 invalid_request', `changed to ${url}`);
  }
});

databaseTest('an endpoint with invalid members is refused', async (t, sql) => {
  const { attack, path } = await withEndpoint(t, sql);
  const bodies: object[] = [
    {},
    { url: ENDPOINT.url },
    { ...ENDPOINT, types: [] },
    { ...ENDPOINT, types: ['sessions'] },
    { ...ENDPOINT, types: ['streams.verification'] },
    { ...ENDPOINT, types: ["sessions.*' or 1=1"] },
    { ...ENDPOINT, types: Array(51).fill('*') },
    { ...ENDPOINT, contact: 'a@b.co\r\nBcc: evil@example.com' },
    { ...ENDPOINT, contact: 'a@b.co, evil@example.com' },
    { ...ENDPOINT, format: 'xml' },
    { ...ENDPOINT, format: 'set' },
    { ...ENDPOINT, format: 'set', audience: 'app' },
    { ...ENDPOINT, types: ['sessions.started'], format: 'logout-token', audience: 'app' },
    { ...ENDPOINT, audience: 'app' },
    { ...ENDPOINT, owner: 'receiver' },
    { ...ENDPOINT, declared: true },
    { ...ENDPOINT, secret: 'whsec_mine' },
  ];
  for (const body of bodies)
    t.equal(
      await attack('POST', '/admin/webhooks', body),
      '400 invalid_request',
      JSON.stringify(body).slice(0, 120),
    );
  for (const body of [{ format: 'set' }, { audience: 'app' }, { state: 'enabled' }, { types: ['unknown.*'] }])
    t.equal(await attack('PATCH', path, body), '400 invalid_request', JSON.stringify(body));
});

databaseTest('unknown endpoints and deliveries are not found', async (t, sql) => {
  const { attack, path } = await withEndpoint(t, sql);
  const unknown = `/admin/webhooks/${randomUUID()}`;
  const span = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' };
  for (const [method, place, body] of [
    ['GET', unknown],
    ['PATCH', unknown, { enabled: false }],
    ['DELETE', unknown],
    ['POST', `${unknown}/secret`],
    ['GET', `${unknown}/deliveries`],
    ['POST', `${unknown}/deliveries/send`, span],
    ['POST', `${path}/deliveries/${randomUUID()}/send`],
  ] as const)
    t.equal(await attack(method, place, body), '404 not_found', `${method} ${place}`);
  const backwards = { from: span.to, to: span.from };
  t.equal(await attack('POST', `${path}/deliveries/send`, backwards), '400 invalid_request');
  for (const cursor of ['1', '../..', `zzzzzzzzzz.${randomUUID()}`, "1' or '1"])
    t.equal(
      await attack('GET', `${path}/deliveries?cursor=${encodeURIComponent(cursor)}`),
      '400 invalid_request',
      cursor,
    );
});

databaseTest('the table of endpoints does not contain their secrets', async (t, sql) => {
  const { secret } = await withEndpoint(t, sql);
  t.match(secret, /^whsec_/);
  const rows = await sql<{ line: string }[]>`select endpoint::text as line from webhook_endpoints endpoint`;
  t.equal(rows.length, 1);
  const dump = JSON.stringify(rows);
  const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64');
  for (const form of [secret, secret.slice(6), bytes.toString('hex'), bytes.toString('base64url')])
    t.notOk(dump.includes(form));
});

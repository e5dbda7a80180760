import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createLoginAuthorizer } from '../../src/adapters/http/server/authorize-login.ts';
import { RESOURCE_KEY, SERVICE_KEY, serviceKeys, startHttpService } from '../support/http.ts';

const WRONG = 'a-wrong-key-that-nobody-configured-for-this';
const basic = `Basic ${Buffer.from(`resource:${encodeURIComponent(RESOURCE_KEY)}`).toString('base64')}`;

for (const mode of ['local', 'open'] as const) {
  t.test(`LOGIN_BY_USER_ID=${mode}: a wrong key is refused although no key is required`, async (t) => {
    const { url, families } = await startHttpService(t, {
      http: { authorizeLogin: createLoginAuthorizer(mode, serviceKeys) },
    });
    const guid = randomUUID();
    const json = { 'content-type': 'application/json' };
    const requests: Record<string, [string, RequestInit]> = {
      canonical: [`/auth/login?userId=${guid}`, { method: 'POST' }],
      'session-id': ['/api/v1/auth/login', { method: 'POST', headers: json, body: JSON.stringify({ guid }) }],
      'cookie-pair': [`/${guid}`, {}],
    };
    for (const [door, [path, init]] of Object.entries(requests)) {
      const withKey = async (key: Record<string, string>) => {
        const response = await fetch(new URL(path, url), {
          ...init,
          headers: { ...init.headers, ...key },
        });
        await response.arrayBuffer();
        return response.status;
      };
      t.equal(await withKey({}), 200, `${door}, no key`);
      t.equal(await withKey({ 'x-api-key': SERVICE_KEY }), 200, `${door}, the right key`);
      const before = (await families.list(null, { now: 0, limit: 100, after: null })).length;
      for (const key of [WRONG, '', `${SERVICE_KEY}x`, SERVICE_KEY.slice(1)])
        t.equal(await withKey({ 'x-api-key': key }), 401, `${door}, a wrong key`);
      const after = (await families.list(null, { now: 0, limit: 100, after: null })).length;
      t.equal(after, before, `${door}: no session is opened`);
    }
  });
}

t.test('open metrics refuse a wrong key and a key without the scope', async (t) => {
  const { url } = await startHttpService(t);
  const [watcher] = serviceKeys.filter(({ name }) => name === 'watcher');
  const statusWith = async (headers: Record<string, string>) => {
    const response = await fetch(`${url}/metrics`, { headers });
    await response.arrayBuffer();
    return response.status;
  };
  t.equal(await statusWith({}), 200);
  t.equal(await statusWith({ 'x-api-key': watcher?.secret ?? '' }), 200);
  t.equal(await statusWith({ authorization: `Bearer ${watcher?.secret}` }), 200);
  t.equal(await statusWith({ 'x-api-key': WRONG }), 401);
  t.equal(await statusWith({ authorization: `Bearer ${WRONG}` }), 401);
  t.equal(await statusWith({ 'x-api-key': SERVICE_KEY }), 403);
});

t.test('introspection refuses a wrong key even together with correct credentials', async (t) => {
  const { url } = await startHttpService(t);
  const statusWith = async (headers: Record<string, string>) => {
    const body = new URLSearchParams({ token: 'x' });
    return (await fetch(`${url}/oauth/introspect`, { method: 'POST', body, headers })).status;
  };
  t.equal(await statusWith({ authorization: basic }), 200);
  t.equal(await statusWith({ authorization: basic, 'x-api-key': RESOURCE_KEY }), 200);
  t.equal(await statusWith({ authorization: basic, 'x-api-key': WRONG }), 401);
});

import { randomUUID } from 'node:crypto';
import t from 'tap';
import { startHttpService } from '../support/http.ts';
import { openapiOf } from '../support/openapi.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';

const TYPES = [
  'application/x-www-form-urlencoded',
  'application/json',
  'text/plain;charset=UTF-8',
  'multipart/form-data; boundary=b',
  'application/octet-stream',
  'not a type',
];
/** A request without a body has the length 0, or no length. A header without a meaning stands for no length. */
const LENGTHS = ['Content-Length: 0', 'X-No-Length: 0'];
const HEAD = ['Host: localhost', 'Connection: close'];

t.test('an empty body of any type is treated as no body, on every route with a body', async (t) => {
  const { url } = await startHttpService(t);
  const { paths } = await openapiOf(t);
  const all = Object.values(paths).flatMap((operations) => Object.values(operations));
  t.ok(all.filter(({ requestBody }) => requestBody !== undefined).length > 20, 'routes with a body');
  for (const [path, operations] of Object.entries(paths)) {
    const methods = Object.keys(operations).filter((method) => operations[method]?.requestBody !== undefined);
    for (const method of methods) {
      const line = `${method.toUpperCase()} ${path.replace('{id}', '1')}`;
      const { outcome: absent } = await sendRaw(url, rawRequest(line, HEAD));
      for (const type of TYPES) {
        for (const length of LENGTHS) {
          const { outcome } = await sendRaw(
            url,
            rawRequest(line, [...HEAD, `Content-Type: ${type}`, length]),
          );
          t.equal(outcome, absent, `${line}, ${type}, ${length}`);
        }
      }
      t.notMatch(absent, /^(415|5)/, line);
    }
  }
});

t.test('an empty chunked body is treated as no body', async (t) => {
  const { url } = await startHttpService(t);
  const headers = [...HEAD, 'Content-Type: text/plain', 'Transfer-Encoding: chunked'];
  const login = `POST /auth/login?userId=${randomUUID()}`;
  t.equal((await sendRaw(url, rawRequest(login, headers, '0\r\n\r\n'))).outcome, '200');
  t.match((await sendRaw(url, rawRequest('POST /oauth/token', headers, '0\r\n\r\n'))).outcome, /^400/);
  for (const line of [login, 'POST /oauth/token']) {
    const { outcome } = await sendRaw(url, rawRequest(line, headers, '1\r\nx\r\n0\r\n\r\n'));
    t.match(outcome, /^415/, `${line} with one byte`);
  }
});

t.test('routes whose body is optional succeed without one', async (t) => {
  const { post } = await startHttpService(t);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const { status, body } = await post(`/auth/login?userId=${randomUUID()}`, '', form);
  t.equal(status, 200);
  const query = new URLSearchParams({
    refreshToken: String(body.refresh),
    accessToken: String(body.access),
  });
  const refreshed = await post(`/auth/refresh?${query}`, '', { 'content-type': 'text/plain' });
  t.equal(refreshed.status, 200);
  const authorization = `Bearer ${refreshed.body.access}`;
  t.equal((await post('/api/v1/logout/', '', { ...form, authorization })).status, 205);
});

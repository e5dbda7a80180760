import { randomUUID } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import t, { type Test } from 'tap';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';
import { type ReceivedRequest, webhookReceiver } from '../support/webhook-receiver.ts';

const KEYS = {
  shop: 'a-key-of-the-shop-with-more-than-32-bytes',
  operator: 'a-key-of-operators-of-more-than-32-bytes',
};
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const AUTHORIZATION = 'Bearer a-token-of-the-receiver';

/** The members of the transmitter configuration that a receiver uses. */
interface Configuration {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly configuration_endpoint: string;
  readonly status_endpoint: string;
  readonly verification_endpoint: string;
}

/** The whole service, and a receiver that knows its issuer and its service key only. */
async function startReceiver(t: Test, alg: string) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  await startServiceInProcess(t, {
    API_PORT: String(port),
    PUBLIC_URL: issuer,
    DATABASE_URL: await testDatabase(t),
    ACCESS_TOKEN_ALG: alg,
    SERVICE_API_KEYS: `shop:signals:${KEYS.shop},operator:admin+login:${KEYS.operator}`,
    WEBHOOKS_ALLOW_PRIVATE: '127.0.0.1',
    MAIL: 'off',
  });
  const endpoint = await webhookReceiver(t);
  endpoint.answerWith((response) => void response.writeHead(202).end());
  const read = async (response: Response) => {
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
  };
  const call = async (method: string, url: string, key: string, body?: object) =>
    read(
      await fetch(url, {
        method,
        headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      }),
    );
  const asOperator = async (method: string, path: string) =>
    read(await fetch(`${issuer}${path}`, { method, headers: { 'x-api-key': KEYS.operator } }));
  const configuration = (await (
    await fetch(`${issuer}/.well-known/ssf-configuration`)
  ).json()) as Configuration;
  const keys = createRemoteJWKSet(new URL(configuration.jwks_uri));

  return {
    issuer,
    configuration,
    endpoint,
    call: (method: string, url: string, body?: object) => call(method, url, KEYS.shop, body),
    asOperator,
    /** Verifies a pushed token as RFC 8935 section 2.2 and SSF 1.0 section 4.1 require. */
    async verify(request: ReceivedRequest) {
      t.equal(request.headers['content-type'], 'application/secevent+jwt');
      t.equal(request.headers.authorization, AUTHORIZATION);
      const { payload } = await jwtVerify(request.body, keys, {
        issuer: configuration.issuer,
        audience: 'shop',
        typ: 'secevent+jwt',
        algorithms: [alg],
        requiredClaims: ['iss', 'iat', 'jti', 'aud', 'sub_id', 'events'],
      });
      t.notOk('sub' in payload || 'exp' in payload, 'SSF forbids these claims');
      t.type(decodeProtectedHeader(request.body).kid, 'string');
      t.equal(Object.keys(payload.events as object).length, 1);
      return payload;
    },
    waitForTokens: (count: number) =>
      waitForValue(`${count} tokens`, async () =>
        endpoint.requests.length >= count ? endpoint.requests : undefined,
      ),
  };
}

for (const alg of ['ES256', 'RS256']) {
  t.test(
    `a receiver that knows the issuer gets tokens signed with ${alg} over its stream, and can verify them`,
    async (t) => {
      if (!(await requirePostgres(t))) return;
      const { issuer, configuration, endpoint, call, asOperator, verify, waitForTokens } =
        await startReceiver(t, alg);
      t.equal(configuration.issuer, issuer);
      const created = await call('POST', configuration.configuration_endpoint, {
        delivery: {
          method: 'urn:ietf:rfc:8935',
          endpoint_url: endpoint.url,
          authorization_header: AUTHORIZATION,
        },
        events_requested: [`${CAEP}/session-revoked`],
      });
      t.match(created, { status: 201, body: { iss: issuer, aud: 'shop' } });
      const { stream_id } = created.body;

      const state = 'VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo=';
      t.equal((await call('POST', configuration.verification_endpoint, { stream_id, state })).status, 204);
      const [first] = await waitForTokens(1);
      const verification = await verify(first as ReceivedRequest);
      t.same(verification.sub_id, { format: 'opaque', id: stream_id });
      t.same(verification.events, { [`${SSF}/verification`]: { state } });

      const userId = randomUUID();
      const logIn = () => asOperator('POST', `/auth/login?userId=${userId}`);
      const end = async () => {
        const { body } = await asOperator('GET', `/admin/sessions?userId=${userId}`);
        const [{ id }] = body.items;
        t.equal((await asOperator('DELETE', `/admin/sessions/${id}`)).status, 204);
        return id;
      };
      await logIn();
      const sessionId = await end();
      const [, second] = await waitForTokens(2);
      const revoked = await verify(second as ReceivedRequest);
      t.same(revoked.sub_id, {
        format: 'complex',
        user: { format: 'iss_sub', iss: issuer, sub: userId },
        session: { format: 'opaque', id: sessionId },
      });
      t.match(revoked.events, { [`${CAEP}/session-revoked`]: { initiating_entity: 'admin' } });

      const setStatus = (status: string) =>
        call('POST', configuration.status_endpoint, { stream_id, status });
      t.equal((await setStatus('paused')).status, 200);
      await logIn();
      const later = await end();
      const waiting = await waitForValue('the delivery that waits', async () => {
        const { body } = await asOperator('GET', `/admin/webhooks/${stream_id}/deliveries`);
        return body.items.length === 3 ? body.items[0] : undefined;
      });
      t.match(waiting, { state: 'pending', attempts: { length: 0 } });
      t.equal(endpoint.requests.length, 2, 'a paused stream gets nothing');
      t.equal((await setStatus('enabled')).status, 200);
      const [, , third] = await waitForTokens(3);
      t.match((await verify(third as ReceivedRequest)).sub_id, { session: { id: later } });
    },
  );
}

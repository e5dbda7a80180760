import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import t, { type Test } from 'tap';
import { requireSession as forExpress, sessionOf } from '../../packages/express/src/index.ts';
import { kinship } from '../../packages/fastify/src/index.ts';
import { requireSession as forHono } from '../../packages/hono/src/index.ts';
import { createVerifier, type Verifier } from '../../packages/verify/src/index.ts';
import { ISSUER, issuingService, logOut, RESOURCE_SERVER_KEY } from '../support/issuing-service.ts';
import { requirePostgres } from '../support/postgres.ts';

const STEP_UP = { acr: 'aal2' };

/** Sends a GET to the application of a framework. */
type Ask = (path: string, headers?: Record<string, string>) => Promise<Response>;

/** Each has `/me` for any session, `/vault` for one of a higher level, and `/open` for everybody. */
const APPLICATIONS: Readonly<Record<string, (t: Test, verifier: Verifier) => Promise<Ask>>> = {
  async fastify(t, verifier) {
    const app = fastify();
    await app.register(kinship, { verifier });
    app.get('/me', { onRequest: app.requireSession() }, async ({ session }) => ({ id: session.userId }));
    app.get('/vault', { onRequest: app.requireSession(STEP_UP) }, async () => ({ id: 'never' }));
    app.get('/open', async (request) => ({ id: request.session.userId }));
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    t.teardown(() => app.close());
    return (path, headers = {}) => fetch(url + path, { headers });
  },
  async express(t, verifier) {
    const app = express();
    app.get('/me', forExpress(verifier), (req, res) => void res.json({ id: sessionOf(req).userId }));
    app.get('/vault', forExpress(verifier, STEP_UP), (_req, res) => void res.json({ id: 'never' }));
    app.get('/open', (req, res) => void res.json({ id: sessionOf(req).userId }));
    app.use(((_error, _req, res, _next) => void res.status(500).end()) as express.ErrorRequestHandler);
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => {
      server.close();
      server.closeAllConnections();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return (path, headers = {}) => fetch(url + path, { headers });
  },
  async hono(_t, verifier) {
    const app = new Hono()
      .get('/me', forHono(verifier), (c) => c.json({ id: c.get('session').userId }))
      .get('/vault', forHono(verifier, STEP_UP), (c) => c.json({ id: 'never' }));
    return async (path, headers = {}) => app.request(path, { headers });
  },
};

for (const [name, start] of Object.entries(APPLICATIONS)) {
  t.test(`${name}: a session that ends at the service is refused at the application`, async (t) => {
    if (!(await requirePostgres(t))) return;
    const { url, logIn } = await issuingService(t);
    const revocations = { serviceKey: RESOURCE_SERVER_KEY, whenLost: 'refuse' } as const;
    const verifier = createVerifier({ issuer: ISSUER, audience: 'kinship', url, revocations });
    t.teardown(verifier.close);
    await verifier.ready;
    const ask = await start(t, verifier);

    const tickets = await Promise.all(Array.from({ length: 20 }, () => logIn()));
    const delays: number[] = [];
    for (const { authorization, userId, ...ticket } of tickets) {
      const accepted = await ask('/me', { authorization });
      t.same([accepted.status, await accepted.json()], [200, { id: userId }]);
      await logOut(url, { authorization, userId, ...ticket });
      const acknowledged = performance.now();
      let refused = await ask('/me', { authorization });
      while (refused.status === 200) refused = await ask('/me', { authorization });
      delays.push(performance.now() - acknowledged);
      t.equal(refused.status, 401);
      t.equal(refused.headers.get('content-type'), 'application/problem+json');
      t.equal(refused.headers.get('www-authenticate'), 'Bearer realm="kinship", error="invalid_token"');
      t.match(await refused.json(), { code: 'session_ended', status: 401 });
    }
    delays.sort((a, b) => a - b);
    t.comment(`refused after the acknowledged end: median ${delays[10]?.toFixed(1)} ms, of ${delays.length}`);

    const missing = await ask('/me');
    t.same([missing.status, missing.headers.get('www-authenticate')], [401, 'Bearer realm="kinship"']);
    const vault = await ask('/vault', { authorization: (await logIn()).authorization });
    t.equal(vault.status, 401);
    t.match(vault.headers.get('www-authenticate'), /insufficient_user_authentication.*acr_values="aal2"/);
    if (name !== 'hono') t.equal((await ask('/open')).status, 500, 'no session without requireSession');
  });

  t.test(`${name}: while the service is away a request is answered 503`, async (t) => {
    const away: typeof fetch = async () => {
      throw new TypeError('fetch failed');
    };
    const verifier = createVerifier({ issuer: ISSUER, audience: 'kinship', fetch: away });
    const ask = await start(t, verifier);
    const header = Buffer.from('{"alg":"EdDSA","typ":"at+jwt","kid":"1"}').toString('base64url');
    const { status, headers } = await ask('/me', { authorization: `Bearer ${header}.e30.AA` });
    t.same([status, headers.get('retry-after'), headers.get('www-authenticate')], [503, '1', null]);
  });
}

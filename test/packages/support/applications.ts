import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import type { Test } from 'tap';
import { requireSession as forExpress, sessionOf } from '../../../packages/express/src/index.ts';
import { kinship } from '../../../packages/fastify/src/index.ts';
import { requireSession as forHono } from '../../../packages/hono/src/index.ts';
import type { Verifier } from '../../../packages/verify/src/index.ts';

const STEP_UP = { acr: 'aal2' };

/** An application of a framework. */
export interface Application {
  readonly url: string;
  /** Sends a request to the application. The default method is GET. */
  ask(path: string, headers?: Record<string, string>, method?: string): Promise<Response>;
}

/**
 * Each application has GET and POST `/me` for any session, and `/vault` for a session with a higher level. The
 * applications of fastify and express also have `/open` for every request.
 */
export const APPLICATIONS: Readonly<Record<string, (t: Test, verifier: Verifier) => Promise<Application>>> = {
  async fastify(t, verifier) {
    const app = fastify();
    await app.register(kinship, { verifier });
    app.route({
      method: ['GET', 'POST'],
      url: '/me',
      onRequest: app.requireSession(),
      handler: async ({ session }) => ({ id: session.userId }),
    });
    app.get('/vault', { onRequest: app.requireSession(STEP_UP) }, async () => ({ id: 'never' }));
    app.get('/open', async (request) => ({ id: request.session.userId }));
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    t.teardown(() => app.close());
    return { url, ask: (path, headers = {}, method = 'GET') => fetch(url + path, { headers, method }) };
  },
  async express(t, verifier) {
    const app = express();
    app.all('/me', forExpress(verifier), (req, res) => void res.json({ id: sessionOf(req).userId }));
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
    return { url, ask: (path, headers = {}, method = 'GET') => fetch(url + path, { headers, method }) };
  },
  async hono(_t, verifier) {
    const app = new Hono()
      .all('/me', forHono(verifier), (c) => c.json({ id: c.get('session').userId }))
      .get('/vault', forHono(verifier, STEP_UP), (c) => c.json({ id: 'never' }));
    return {
      url: 'http://localhost',
      ask: async (path, headers = {}, method = 'GET') => app.request(path, { headers, method }),
    };
  },
};

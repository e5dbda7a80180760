import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { servePage } from '../client/support/tabs.ts';
import { launchChromium } from '../support/chromium.ts';
import { claimsOf } from '../support/forge.ts';
import { exampleSite, requireNginx, startNginx } from '../support/nginx.ts';
import { PASSWORD } from '../support/passwords.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';

const ANN = { username: 'ann', email: 'ann@example.com', password: PASSWORD };

/** An API that pages of `origin` may call. It checks no sessions, because nginx does. */
async function startApi(t: Test, origin: string) {
  const requests: Pick<IncomingMessage, 'method' | 'headers'>[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method, headers: request.headers });
    request.resume();
    response.writeHead(200, {
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'authorization, content-type',
      'access-control-allow-methods': 'PUT',
    });
    response.end('an order');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close().closeAllConnections());
  return { requests, port: (server.address() as AddressInfo).port };
}

/** A page with the client, and the service and an API behind the nginx of the example. */
async function openPage(t: Test) {
  const browser = await launchChromium(t);
  if (browser === null) return null;
  const origin = `http://localhost:${await servePage(t)}`;
  const ports = { nginx: await freePort(), kinship: await freePort() };
  const api = await startApi(t, origin);
  await startServiceInProcess(t, {
    API_PORT: String(ports.kinship),
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testDatabase(t),
    TRUST_PROXY: '127.0.0.1',
    MAIL: 'off',
    CORS_ORIGINS: origin,
    ACCESS_TOKEN_AGE: '8s',
    CLOCK_SKEW: '0s',
  });
  const site = await exampleSite('nginx.conf', {
    'listen 80;': `listen 127.0.0.1:${ports.nginx};`,
    'server 127.0.0.1:3000;': `server 127.0.0.1:${ports.kinship};`,
    'server 127.0.0.1:8080;': `server 127.0.0.1:${api.port};`,
    'https://app.example.com': origin,
  });
  await startNginx(t, site, ports.nginx);
  const url = `http://127.0.0.1:${ports.nginx}`;
  const reports: string[] = [];
  const page = await browser.newPage();
  await page.exposeBinding('report', (_source, what: string) => void reports.push(what));
  await page.addInitScript(`globalThis.SERVICE = '${url}'`);
  await page.goto(origin);
  return { page, url, reports, requests: api.requests };
}

t.test(
  'the client calls an API behind nginx from another origin, and refreshes when nginx refuses its token',
  async (t) => {
    if (!requireNginx(t) || !(await requirePostgres(t))) return;
    const opened = await openPage(t);
    if (opened === null) return;
    const { page, url, reports, requests } = opened;
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ANN),
    };
    t.equal((await fetch(`${url}/auth/register`, init)).status, 201);
    await page.evaluate(`client.logIn('${ANN.username}', '${ANN.password}')`);
    const access = String(await page.evaluate('client.token()'));
    const order = () =>
      page.evaluate(`client.fetch(SERVICE + '/orders', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    }).then(async (answer) => [answer.status, await answer.text()])`);

    await page.evaluate(
      '{ const [now, date] = [performance.now(), Date.now()]; performance.now = () => now; Date.now = () => date; }',
    );
    t.same(await order(), [200, 'an order']);
    t.same(
      requests.map(({ method, headers }) => [method, headers['x-user-id']]),
      [
        ['OPTIONS', undefined],
        ['PUT', claimsOf(access).sub],
      ],
      'the preflight passes without a user',
    );
    t.same(reports, [], 'without a refresh');

    await waitForValue('the end of the access token', async () => {
      const { status } = await fetch(`${url}/orders`, { headers: { authorization: `Bearer ${access}` } });
      return status === 401 || undefined;
    });
    t.equal(await page.evaluate('client.token()'), access, 'the clocks of the page stand still');
    requests.length = 0;
    t.same(await order(), [200, 'an order']);
    t.same(
      requests.filter(({ method }) => method === 'PUT').map(({ headers }) => headers['x-user-id']),
      [claimsOf(access).sub],
      'the request that nginx refused is sent again with the next token',
    );
    t.same(reports, ['pair'], 'one refresh, and no logout');
  },
);

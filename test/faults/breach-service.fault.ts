import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { breachHash } from '../../src/adapters/passwords/breach-range.ts';
import { PASSWORD } from '../support/passwords.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { faultsIn } from './support/checks.ts';
import { openClient } from './support/client.ts';
import { percentile, startLoad, totals } from './support/load.ts';
import { createRegistrar } from './support/registrations.ts';
import { createAgent } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/** The service of breached passwords fails in several ways. Registrations succeed, and refreshes continue. */

const REGISTRATIONS_EACH = 24;

/** A list without the password of the registrations. */
const LIST = `${'0'.repeat(35)}:3\r\n`;

const FAILURES: Readonly<Record<string, RequestListener>> = {
  silent: () => {},
  trickling: (_request, response) => trickle(response),
  refusing: (_request, response) => response.writeHead(429).end(),
  lying: (_request, response) => response.end('<!doctype html>\n<title>Sign in to this network</title>\n'),
  cutting: ({ socket }) => void socket.destroy(),
};

t.test('registrations and refreshes continue while the service of breached passwords fails', async (t) => {
  if (!(await requirePostgres(t))) return;
  let answer: RequestListener = (_request, response) => response.end(LIST);
  const server = createServer((request, response) => answer(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const metricsPort = await freePort();
  const url = await testDatabase(t);
  const sql = connectDirectly(t, url);
  const env = await environment(t, {
    DATABASE_URL: url,
    TRUST_PROXY: '127.0.0.1',
    PASSWORD_BREACH_URL: `http://127.0.0.1:${port}/range`,
    METRICS_PORT: String(metricsPort),
  });
  const service = await start(t, env);
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: 8 }, () => openClient(service, agent)));
  const registrar = createRegistrar(t, service);
  const load = startLoad(clients);
  const figures: string[] = [];

  const registerWhile = async (name: string) => {
    const seen = clients.map(({ history }) => history.length);
    const { refused, p99 } = await registrar.register(REGISTRATIONS_EACH);
    t.same(refused, [], name);
    const times = clients.flatMap(({ history }, index) => history.slice(seen[index]).map(({ ms }) => ms));
    figures.push(`${name}: ${p99.toFixed(0)} ms, refresh p99 ${percentile(times, 0.99).toFixed(0)} ms`);
  };

  await registerWhile('well');
  t.equal(await failedSearches(metricsPort), 0);
  let searches = 0;
  for (const [name, failure] of Object.entries(FAILURES)) {
    answer = failure;
    await registerWhile(name);
    searches += REGISTRATIONS_EACH;
    t.equal(await failedSearches(metricsPort), searches, `${name}: each failure is counted`);
  }
  answer = (_request, response) => response.end(`${breachHash(PASSWORD).slice(5)}:7`);
  const { refused } = await registrar.register(1);
  t.same(refused, [400], 'a breached password is refused once the search works again');
  await load.stop();

  t.strictSame(await faultsIn(clients, sql, env), []);
  t.match(totals(clients), { unknown: 0, forcedLogouts: 0 });
  t.comment(`breach service: the slowest of ${REGISTRATIONS_EACH} registrations: ${figures.join('; ')}`);
});

/** Sends a line each 100 ms, without end. */
function trickle(response: ServerResponse): void {
  const timer = setInterval(() => response.write(LIST), 100);
  response.once('close', () => clearInterval(timer));
}

async function failedSearches(metricsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return Number(/^kinship_breach_searches_failed_total (\d+)$/m.exec(text)?.[1]);
}

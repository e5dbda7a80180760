import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import t, { type Test } from 'tap';
import { createSelfSigned, OPENSSL } from '../support/certificate.ts';
import { startCollector } from '../support/collector.ts';
import { schemaFaults } from '../support/event-schema.ts';
import { PASSWORD } from '../support/passwords.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { type PrivateRabbitMq, requirePrivateRabbit, startPrivateRabbit } from '../support/private-rabbit.ts';
import { startService } from '../support/process.ts';
import { consumerOf, eventsFrom } from '../support/rabbit.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';
import { waitUntil } from '../support/wait-until.ts';

t.test('events reach RabbitMQ and fail no request', async (t) => {
  if (!requirePrivateRabbit(t) || !(await requirePostgres(t))) return;
  const rabbit = await startPrivateRabbit(t);

  await t.test('the consumer in docs/events.md receives users.created', (t) =>
    checkDocumentedConsumer(t, rabbit),
  );
  await t.test('publishing an event joins the trace of its request', (t) => checkTrace(t, rabbit));
  await t.test('events are published over TLS', (t) => checkTls(t, rabbit));
  await t.test('a certificate that does not verify stops the start', (t) =>
    checkUntrustedCertificate(t, rabbit),
  );
  await t.test('a broken mail server delays no event', (t) => checkBrokenMailServer(t, rabbit));
  await t.test('a broker that hangs delays neither a request nor a mail nor a stop', (t) =>
    checkHungBroker(t, rabbit),
  );
  await t.test('a broker that is down delays neither the start nor a request nor a mail', (t) =>
    checkStoppedBroker(t, rabbit),
  );
});

async function checkDocumentedConsumer(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const documentation = await readFile('docs/events.md', 'utf8');
  const [, code = ''] = /```js\n(.*?)```/s.exec(documentation) ?? [];
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    env: { AMQP_URL: rabbit.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const output = once(child.stdout, 'data');
  const { register } = await start(t, { ...(await environment(t)), AMQP_URL: rabbit.url });
  t.equal(await register('ann'), 201);
  t.equal(String((await output)[0]), 'welcome, ann\n');
  child.kill();
  await gone;
  // The killed consumer may not have acknowledged the event: the next consumer of the queue would get it.
  await (await consumerOf(t, rabbit.url)).deleteQueue('users.created');
}

async function checkTrace(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const collector = await startCollector(t);
  const events = await eventsFrom(await consumerOf(t, rabbit.url));
  const env = { ...(await environment(t)), AMQP_URL: rabbit.url };
  const { register, close } = await start(t, { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  t.equal(await register('dora'), 201);
  await waitUntil(() => events.length === 1);
  await close(); // the close also sends the remaining spans

  const request = collector.onlySpan('POST /auth/register');
  const published = collector.onlySpan('publish users.created');
  const useCase = collector.onlySpan('register');
  const insert = collector.onlySpan('users.create');
  t.equal(new Set([request, useCase, insert, published].map(({ traceId }) => traceId)).size, 1);
  t.equal(useCase.parentSpanId, request.spanId);
  t.equal(insert.parentSpanId, useCase.spanId);
  t.equal(published.parentSpanId, insert.spanId, 'the statement that recorded the event');
  t.same(schemaFaults(events[0]), []);
  t.match(events[0], { traceparent: `00-${published.traceId}-${published.spanId}-01` });
}

async function checkTls(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  const authority = join(await temporaryFolder(t), 'authority.pem');
  await writeFile(authority, pem);
  const env = {
    ...(await environment(t)),
    AMQP_URL: `amqps://127.0.0.1:${await startTlsProxy(t, pem, rabbit.port)}`,
    NODE_EXTRA_CA_CERTS: authority,
  };
  const events = await eventsFrom(await consumerOf(t, rabbit.url));
  // Node.js reads the authority only when a process starts.
  const service = await startService(t, { env });
  t.equal(await registerAt(service.url, 'bob'), 201);
  await waitUntil(() => events.length === 1);
  t.same(schemaFaults(events[0]), []);
  t.equal(await service.stop(), 0);
}

async function checkUntrustedCertificate(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  const AMQP_URL = `amqps://127.0.0.1:${await startTlsProxy(t, pem, rabbit.port)}`;
  await t.rejects(start(t, { ...(await environment(t)), AMQP_URL }), /certificate is not trusted/);
}

async function checkBrokenMailServer(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const mailServer = await refusingMailServer(t);
  const events = await eventsFrom(await consumerOf(t, rabbit.url));
  const { register, forget } = await start(t, {
    ...(await environment(t)),
    AMQP_URL: rabbit.url,
    SMTP_SERVER: '127.0.0.1',
    SMTP_PORT: String(mailServer.port),
    SMTP_FROM: 'auth@example.com',
  });
  await register('cleo');
  await forget('cleo');
  const refused = mailServer.refused();
  await waitUntil(() => mailServer.refused() > refused);
  await register('dora');
  await waitUntil(() => events.length === 2);
  t.same(
    events.map(({ data }) => data.username),
    ['cleo', 'dora'],
  );
}

async function checkHungBroker(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  const events = await eventsFrom(await consumerOf(t, rabbit.url));
  const env = { ...(await environment(t)), AMQP_URL: rabbit.url };
  const { register, forget, countMails, close } = await start(t, env);
  await register('eve');
  await waitUntil(() => events.length === 1);
  rabbit.freeze();
  try {
    t.equal(await register('fay'), 201);
    await forget('fay');
    await waitUntil(async () => (await countMails()) === 1);
    t.equal(events.length, 1);
    await close();
  } finally {
    rabbit.thaw();
  }
  await start(t, env);
  await waitUntil(() => events.some(({ data }) => data.username === 'fay'));
}

async function checkStoppedBroker(t: Test, rabbit: PrivateRabbitMq): Promise<void> {
  await rabbit.kill();
  const env = { ...(await environment(t)), AMQP_URL: rabbit.url };
  const { url, register, forget, countMails } = await start(t, env);
  t.equal((await fetch(`${url}/health/ready`)).status, 200);
  t.equal(await register('gus'), 201);
  await forget('gus');
  await waitUntil(async () => (await countMails()) === 1);
  await rabbit.start();
  const events = await eventsFrom(await consumerOf(t, rabbit.url));
  await waitUntil(() => events.some(({ data }) => data.username === 'gus'));
}

async function temporaryFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-events-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

async function environment(t: Test): Promise<Record<string, string>> {
  return {
    API_PORT: '0',
    DATABASE_URL: await testDatabase(t),
    DATA_DIR: await temporaryFolder(t),
    ARGON2_MEMORY: '1024',
    EMAIL_VERIFICATION: 'off',
  };
}

async function start(t: Test, env: Record<string, string>) {
  const { url, close } = await startServiceInProcess(t, env);
  return {
    url,
    close,
    register: (username: string) => registerAt(url, username),
    forget: (username: string) => post(`${url}/auth/password/forgot`, { email: `${username}@example.com` }),
    /** How many mails there are. */
    countMails: async () => (await readdir(join(String(env.DATA_DIR), 'mail')).catch(() => [])).length,
  };
}

function registerAt(url: string, username: string): Promise<number> {
  return post(`${url}/auth/register`, { username, email: `${username}@example.com`, password: PASSWORD });
}

async function post(url: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status;
}

/** Terminates TLS in front of a port of this machine. Returns the port for TLS. */
async function startTlsProxy(t: Test, pem: string, port: number): Promise<number> {
  const server = createServer({ key: pem, cert: pem }, (socket) => {
    const behind = connect(port, '127.0.0.1');
    socket.pipe(behind).pipe(socket);
    socket.on('error', () => behind.destroy());
    behind.on('error', () => socket.destroy());
  });
  server.on('tlsClientError', () => {});
  return listenOnLoopback(t, server);
}

/** A mail server that refuses each connection with 421, and counts the connections. */
async function refusingMailServer(t: Test) {
  let refused = 0;
  const server = createTcpServer((socket) => {
    refused += 1;
    socket.on('error', () => {}).end('421 not now\r\n');
  });
  return { port: await listenOnLoopback(t, server), refused: () => refused };
}

async function listenOnLoopback(t: Test, server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

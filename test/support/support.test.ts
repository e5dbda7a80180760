import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { freePort } from './ports.ts';
import { postgresServer, requirePostgres, testDatabase } from './postgres.ts';
import { requirePrivatePostgres, startPrivatePostgres } from './private-postgres.ts';
import { startService } from './process.ts';
import { evalArguments, modulePath } from './program.ts';
import { tcpProxy } from './tcp-proxy.ts';

t.test('a run of tests without a file, or with one that does not exist, prints its usage', async (t) => {
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('npx', ['tsx', 'scripts/test.ts', ...args], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const usage = 'Usage: npm run test:file -- test/domain/refresh-verdict.test.ts, or a pattern in quotes\n';
  const none = 'test/none.test.ts';
  t.same(run(), { status: 1, stdout: '', stderr: `No test is named. ${usage}` });
  for (const args of [[none], [none, 'test/config.test.ts']])
    t.same(run(...args), { status: 1, stdout: '', stderr: `No file matches ${none}. ${usage}` });
  t.match(run('--lng'), {
    status: 1,
    stderr: /^Unknown option '--lng'.* Usage: npm run test:file -- [^\n]*\n$/,
  });
});

t.test('a test database', async (t) => {
  if (!(await requirePostgres(t))) return;
  let name = '';

  await t.test('is empty and can be used', async (t) => {
    const sql = client(t, await testDatabase(t));
    const [row] = await sql`select current_database() as name, 40 + 2 as answer`;
    name = row?.name;
    t.match(name, /^kinship_test_[0-9a-f]{16}$/);
    t.equal(row?.answer, 42);
    t.equal((await sql`select 1 from pg_tables where schemaname = 'public'`).length, 0);
  });

  await t.test('is dropped with its test', async (t) => {
    const sql = client(t, (await postgresServer())!);
    t.equal((await sql`select 1 from pg_database where datname = ${name}`).length, 0);
  });
});

t.test('a private cluster', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  let dataDir = '';

  await t.test('keeps committed rows, its settings and its port after a crash', async (t) => {
    const cluster = await startPrivatePostgres(t, { settings: { 'kinship.motto': "o'clock" } });
    dataDir = cluster.dataDir;
    const sql = client(t, cluster.url);
    await sql`create table kept (n int)`;
    await sql`insert into kept values (7)`;

    await cluster.stop('immediate');
    await t.rejects(sql`select 1`);
    await cluster.start();

    t.strictSame([...(await client(t, cluster.url)`select n from kept`)], [{ n: 7 }]);
    const [row] =
      await sql`select current_setting('kinship.motto') as motto, current_setting('fsync') as fsync`;
    t.same(row, { motto: "o'clock", fsync: 'on' });
  });

  await t.test('is removed with its test', async (t) => t.notOk(existsSync(dataDir)));

  await t.test('ends with a process that is killed', async (t) => {
    const args =
      evalArguments(`import { launchPostgres } from '${modulePath('test/support/private-postgres.ts')}';
       const { dataDir } = await launchPostgres({ fsync: 'off' });
       console.log(JSON.stringify({ msg: 'ready', url: dataDir }));
       setInterval(() => {}, 1000);`);
    const owner = await startService(t, { env: {}, args });
    t.ok(existsSync(join(owner.url, 'postmaster.pid')));
    await owner.kill();
    for (let i = 0; i < 200 && existsSync(owner.url); i += 1) await delay(50);
    t.notOk(existsSync(owner.url));
  });
});

t.test('a proxy', async (t) => {
  await t.test('passes on bytes and the ends of streams', async (t) => {
    const { proxy, received } = await proxiedEcho(t);
    const socket = await connectSocket(t, proxy.port);
    const big = Buffer.alloc(1_000_000, 'x');
    socket.end(big);
    let length = 0;
    for await (const chunk of socket) length += chunk.length;
    t.equal(length, big.length);
    t.equal(Buffer.concat(received).length, big.length);
  });

  await t.test('loses the answer to one request after the target has received that request', async (t) => {
    const { proxy, received } = await proxiedEcho(t);
    proxy.loseAnswerTo((bytes) => bytes.includes('commit'));
    const socket = await connectSocket(t, proxy.port);
    t.equal(await ask(socket, 'begin'), 'begin');
    socket.write('com');
    t.equal(String((await once(socket, 'data'))[0]), 'com');
    const answers: Buffer[] = [];
    socket.on('data', (chunk) => answers.push(chunk));
    socket.write('mit');
    await waitForClose(socket);
    t.strictSame(answers, []);
    t.equal(Buffer.concat(received).toString(), 'begincommit');
    t.equal(
      await ask(await connectSocket(t, proxy.port), 'commit'),
      'commit',
      'the next request is answered',
    );
  });

  await t.test('holds bytes back while paused', async (t) => {
    const { proxy, received } = await proxiedEcho(t);
    const socket = await connectSocket(t, proxy.port);
    t.equal(await ask(socket, 'a'), 'a');
    proxy.pause();
    const answer = ask(socket, 'b');
    await delay(50);
    t.equal(Buffer.concat(received).toString(), 'a');
    proxy.resume();
    t.equal(await answer, 'b');
  });

  await t.test('delays bytes by delayMs in each direction', async (t) => {
    const { proxy } = await proxiedEcho(t);
    const socket = await connectSocket(t, proxy.port);
    proxy.delayMs = 40;
    const start = performance.now();
    await ask(socket, 'a');
    t.ok(performance.now() - start >= 75, 'the delay applies in both directions');
  });

  await t.test('cuts open connections, even while paused, and takes new ones', async (t) => {
    const { proxy } = await proxiedEcho(t);
    const socket = await connectSocket(t, proxy.port);
    await ask(socket, 'a');
    proxy.pause();
    socket.write('b');
    proxy.cut();
    await t.resolves(waitForClose(socket));
    proxy.resume();
    t.equal(await ask(await connectSocket(t, proxy.port), 'c'), 'c');
  });

  await t.test('refuses new connections and leaves open ones alone', async (t) => {
    const { proxy } = await proxiedEcho(t);
    const open = await connectSocket(t, proxy.port);
    await ask(open, 'a');
    proxy.refuse(true);
    await t.resolves(waitForClose(await connectSocket(t, proxy.port)));
    t.equal(await ask(open, 'b'), 'b');
    proxy.refuse(false);
    t.equal(await ask(await connectSocket(t, proxy.port), 'c'), 'c');
  });

  await t.test('closes the connection if the target refuses it', async (t) => {
    const proxy = await tcpProxy(t, { host: '127.0.0.1', port: await freePort() });
    await t.resolves(waitForClose(await connectSocket(t, proxy.port)));
  });
});

t.test('a service process', async (t) => {
  const serve = `console.log('not json'); console.log('null');
    console.log(JSON.stringify({ msg: 'ready', url: 'http://127.0.0.1:1', seen: Object.keys(process.env) }));
    setInterval(() => {}, 1000);`;

  await t.test('sees no variable of this process except PATH and HOME', async (t) => {
    process.env.KINSHIP_LEAK = 'yes';
    t.teardown(() => delete process.env.KINSHIP_LEAK);
    const service = await startService(t, { env: { GIVEN: '1' }, args: evalArguments(serve) });
    t.equal(service.url, 'http://127.0.0.1:1');
    const { seen } = JSON.parse(service.logs().at(-1)!);
    t.ok(seen.includes('GIVEN'));
    t.ok(seen.includes('PATH'));
    t.notOk(seen.includes('KINSHIP_LEAK'));
  });

  await t.test('is stopped by a signal that it may handle', async (t) => {
    const args = evalArguments(
      `process.on('SIGTERM', () => { console.error('bye'); process.exit(3); }); ${serve}`,
    );
    const service = await startService(t, { env: {}, args });
    t.equal(await service.stop(), 3);
    t.equal(service.logs().at(-1), 'bye');
    t.equal(await service.stop(), 3, 'again');
    t.throws(() => process.kill(service.pid, 0), { code: 'ESRCH' });
  });

  await t.test('can be killed', async (t) => {
    const service = await startService(t, { env: {}, args: evalArguments(serve) });
    await service.kill();
    t.equal(await service.stop(), null);
  });

  await t.test('ends with a process that is killed', async (t) => {
    const inner = `require('node:net').createServer().listen(0, '127.0.0.1', function () {
      console.log(JSON.stringify({ msg: 'ready', url: String(this.address().port) })); })`;
    const args = evalArguments(`import { startService } from '${modulePath('test/support/process.ts')}';
       const { url } = await startService({ teardown() {} }, { env: {}, args: ['-e', ${JSON.stringify(inner)}] });
       console.log(JSON.stringify({ msg: 'ready', url }));`);
    const owner = await startService(t, { env: {}, args });
    const port = Number(owner.url);
    t.ok(await listens(t, port));
    await owner.kill();
    for (let i = 0; i < 200 && (await listens(t, port)); i += 1) await delay(20);
    t.notOk(await listens(t, port));
  });

  await t.test('rejects with its output if it ends before it is ready', async (t) => {
    const args = evalArguments(`console.log('so far'); console.error('no key'); process.exitCode = 1;`);
    const started = startService(t, { env: {}, args });
    await t.rejects(started, { message: /exit code 1/ });
    await t.rejects(started, { message: /so far/ });
    await t.rejects(started, { message: /no key/ });
  });
});

function client(t: Pick<Test, 'teardown'>, url: string) {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end({ timeout: 5 }));
  return sql;
}

function listens(t: Pick<Test, 'teardown'>, port: number): Promise<boolean> {
  return connectSocket(t, port).then(
    () => true,
    () => false,
  );
}

async function proxiedEcho(t: Pick<Test, 'teardown'>) {
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => received.push(chunk));
    socket.pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const proxy = await tcpProxy(t, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  return { proxy, received };
}

async function connectSocket(t: Pick<Test, 'teardown'>, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  // Many tests reset this connection, which is no error.
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function waitForClose(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

async function ask(socket: Socket, question: string): Promise<string> {
  socket.write(question);
  const [answer] = await once(socket, 'data');
  return String(answer);
}

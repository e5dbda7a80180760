import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createMemoryAttempts } from '../../src/adapters/memory/attempts.ts';
import { createRedisAttempts } from '../../src/adapters/redis/attempts.ts';
import { connectRedis } from '../../src/adapters/redis/connect.ts';
import { attemptsWithFallback } from '../../src/app/attempts-with-fallback.ts';
import { ATTEMPT_POLICY } from '../../src/domain/attempts.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { createSelfSigned, OPENSSL, untrustedServer } from '../support/certificate.ts';
import { NOW } from '../support/families.ts';
import { type PrivateRedis, requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';
import { skipFor } from '../support/skip.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { waitUntil } from '../support/wait-until.ts';

const { free: freeAttempts } = ATTEMPT_POLICY.account;
const LOST = 'attempts are counted by this replica alone';
const UNREACHABLE = 'Redis is unreachable; the service reconnects by itself';
const REFUSED =
  'Redis refused the service, which tries again. Correct Redis, or correct REDIS_URL and restart';
const BACK = 'attempts are counted by all replicas together again';
/** The answer to INFO while the server loads its data. */
const LOADING = 'loading:1\r\nloading_eta_seconds:3600\r\n';

t.test('a server that comes back with another password is reported with the cause', async (t) => {
  if (!requirePrivateRedis(t)) return;
  const args = ['--requirepass', 'one'];
  const server = await startPrivateRedis(t, args);
  const lines: string[] = [];
  const log = { info: () => {}, warn: () => void lines.push('warn'), error: () => void lines.push('error') };
  const redis = await connectRedis(server.url.replace('//', '//:one@'), log);
  t.teardown(() => redis.disconnect());
  await server.kill();
  await waitUntil(() => lines.length > 0);
  args[1] = 'two';
  await server.start();
  await waitUntil(() => lines.length > 1);
  await delay(2_000); // several attempts to connect
  t.same(lines, ['warn', 'error']);
});

t.test('attempts stay limited while Redis does not answer', async (t) => {
  if (!requirePrivateRedis(t)) return;

  const outages: Record<string, [(server: PrivateRedis) => unknown, (server: PrivateRedis) => unknown]> = {
    killed: [(server) => server.kill(), (server) => server.start()],
    frozen: [(server) => server.freeze(), (server) => server.thaw()],
  };
  for (const [name, [begin, end]] of Object.entries(outages)) {
    await t.test(`Redis is ${name}`, async (t) => {
      const { server, attempts, lines, countAllowedOfHundred } = await setUp(t);
      t.equal(await countAllowedOfHundred('before'), freeAttempts);
      await begin(server);
      t.equal(await countAllowedOfHundred('before'), 0, 'a blocked account stays blocked');
      t.equal(await countAllowedOfHundred('during'), freeAttempts, 'other accounts are limited');
      const limit = { count: 3, perMilliseconds: 60_000 };
      const verdicts = await Promise.all(
        Array.from({ length: 10 }, () => attempts.countAction('mails', limit, NOW)),
      );
      t.equal(verdicts.filter(({ allowed }) => allowed).length, limit.count);
      t.same(lines.filter(isAboutAttempts), [LOST], 'the outage is logged once');

      await end(server);
      await waitUntil(async () => {
        await attempts.countAction('anything', limit, NOW);
        return lines.includes(BACK);
      });
      t.equal(await countAllowedOfHundred('after'), freeAttempts);
      t.same(lines.filter(isAboutAttempts), [LOST, BACK]);
    });
  }

  await t.test('after Redis is flushed, attempts are counted from zero', async (t) => {
    const { redis, lines, countAllowedOfHundred } = await setUp(t);
    t.equal(await countAllowedOfHundred('ann'), freeAttempts);
    await redis.flushall();
    await redis.script('FLUSH');
    t.equal(await countAllowedOfHundred('ann'), freeAttempts, 'the limit applies again');
    t.same(lines, []);
  });

  await t.test('while Redis is full, the process counts attempts in its own memory', async (t) => {
    const { redis, lines, countAllowedOfHundred } = await setUp(t);
    await redis.config('SET', 'maxmemory', '1');
    t.equal(await countAllowedOfHundred('ann'), freeAttempts);
    t.same(lines, [LOST]);
  });

  await t.test(
    'during an outage the owner of an account can log in from a known network, whatever attempts others made',
    async (t) => {
      const { server, attempts, countAllowedOfHundred } = await setUp(t);
      const owner = { account: 'ann', identifier: 'ann', network: '192.0.2.1' };
      const login = await attempts.begin(owner, NOW);
      if (!login.allowed) throw new Error('the first login must be allowed');
      await attempts.recordSuccess(owner, NOW, login);
      await server.kill();
      t.equal(await countAllowedOfHundred('ann'), freeAttempts);
      t.ok((await attempts.begin(owner, NOW)).allowed);
    },
  );
});

t.test('the connection to Redis', async (t) => {
  if (!requirePrivateRedis(t)) return;

  await t.test('a server that is down does not stop the start', async (t) => {
    const server = await startPrivateRedis(t);
    await server.kill();
    const { redis, lines } = await connectLogged(t, server.url);
    await t.rejects(
      createRedisAttempts(redis).begin({ account: 'ann', identifier: 'ann', network: '::1' }, NOW),
      {
        name: StoreUnavailable.name,
        code: 'unavailable',
      },
    );
    await server.start();
    await waitUntil(async () => redis.status === 'ready');
    t.same(lines, [UNREACHABLE, 'Redis is connected again']);
  });

  await t.test('a wrong password or database stops the start', async (t) => {
    const server = await startPrivateRedis(t, ['--requirepass', 'p@ss/word']);
    const url = new URL(server.url);
    await t.rejects(connectLogged(t, url.href), /NOAUTH/);
    url.password = 'another';
    await t.rejects(connectLogged(t, url.href), /WRONGPASS/);
    url.password = encodeURIComponent('p@ss/word');
    url.pathname = '/3';
    const { redis, lines } = await connectLogged(t, url.href);
    t.match(await redis.client('INFO'), /db=3/);
    t.same(lines, []);

    url.pathname = '/99';
    await t.rejects(connectLogged(t, url.href), {
      message: /^Redis at .*\/99 cannot be used: ERR DB index.*$/,
    });
  });

  await t.test(
    'while the database of the URL is missing, no command goes to database 0, even if the server starts later',
    async (t) => {
      const server = await startPrivateRedis(t);
      await server.kill();
      const { redis, lines } = await connectLogged(t, `${server.url}/99`);
      await server.start();
      const { redis: observer } = await connectLogged(t, server.url);
      await waitUntil(async () =>
        /total_connections_received:([4-9]|\d\d)/.test(await observer.info('stats')),
      );
      await t.rejects(
        createRedisAttempts(redis).countAction('mails', { count: 1, perMilliseconds: 1_000 }, NOW),
      );
      t.equal(await observer.dbsize(), 0);
      t.same(lines, [UNREACHABLE, REFUSED]);
    },
  );

  await t.test('a Redis Cluster or a Sentinel stops the start, with the reason', async (t) => {
    const folder = t.testdir({ 'sentinel.conf': '' });
    const cluster = await startPrivateRedis(t, ['--cluster-enabled', 'yes', '--dir', folder]);
    await t.rejects(connectLogged(t, cluster.url), {
      message: /^Redis at .* cannot be used: it is a Redis Cluster, which is not supported\. .*$/,
    });
    const sentinel = await startPrivateRedis(t, [`${folder}/sentinel.conf`, '--sentinel']);
    await t.rejects(connectLogged(t, sentinel.url), { message: /cannot be used: it is a Sentinel, which/ });
  });

  await t.test('the service disconnects from a Redis Cluster that appears after the start', async (t) => {
    const server = await startPrivateRedis(t, ['--cluster-enabled', 'yes', '--dir', t.testdir()]);
    await server.kill();
    const { redis, lines } = await connectLogged(t, server.url);
    await server.start();
    await waitUntil(async () => redis.status === 'end');
    t.match(lines.at(-1), /^Redis cannot be used/);
  });

  await t.test('a server that loads its data does not stop the start', async (t) => {
    const loading = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(`$${LOADING.length}\r\n${LOADING}\r\n`));
    }).listen(0, '127.0.0.1');
    await once(loading, 'listening');
    t.teardown(() => loading.close());
    const { lines } = await connectLogged(t, `redis://127.0.0.1:${(loading.address() as AddressInfo).port}`);
    t.same(lines, [UNREACHABLE]);
  });

  await t.test('a demoted primary leads to a new connection, which is logged once', async (t) => {
    const [first, second] = [await startPrivateRedis(t), await startPrivateRedis(t)];
    const target = { host: '127.0.0.1', port: Number(new URL(first.url).port) };
    const proxy = await tcpProxy(t, target);
    const { redis, lines } = await connectLogged(t, `redis://127.0.0.1:${proxy.port}`);
    const attempts = createRedisAttempts(redis);
    const limit = { count: 1_000, perMilliseconds: 60_000 };
    t.ok((await attempts.countAction('mails', limit, NOW)).allowed);

    target.port = Number(new URL(second.url).port);
    const { redis: admin } = await connectLogged(t, first.url);
    await admin.replicaof('127.0.0.1', target.port);
    await t.rejects(attempts.countAction('mails', limit, NOW), { cause: { message: /READONLY/ } });
    await waitUntil(() =>
      attempts.countAction('mails', limit, NOW).then(
        () => true,
        () => false,
      ),
    );
    t.same(lines, ['Redis is a read-only replica; reconnecting to find the primary']);
  });
});

t.test('a certificate that does not verify stops the start', async (t) => {
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  const { port, receivedChunks } = await untrustedServer(t, pem);
  for (const query of ['', '?tls=', '?rejectUnauthorized=false']) {
    await t.rejects(connectLogged(t, `rediss://:secret@127.0.0.1:${port}${query}`), {
      cause: { code: /SELF_SIGNED/ },
    });
  }
  t.equal(receivedChunks(), 0);
});

async function setUp(t: Test) {
  const server = await startPrivateRedis(t);
  const { redis, log, lines } = await connectLogged(t, server.url);
  const attempts = attemptsWithFallback(createRedisAttempts(redis), createMemoryAttempts(), log);
  return {
    server,
    redis,
    attempts,
    lines,
    /** How many of a hundred concurrent attempts are allowed, each from another network. */
    async countAllowedOfHundred(account: string): Promise<number> {
      const verdicts = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          attempts.begin({ account, identifier: account, network: `198.51.100.${i}` }, NOW),
        ),
      );
      return verdicts.filter(({ allowed }) => allowed).length;
    },
  };
}

async function connectLogged(t: Test, url: string) {
  const lines: string[] = [];
  const note = (_members: object, message: string) => void lines.push(message);
  const log = { info: note, warn: note, error: note };
  const redis = await connectRedis(url, log);
  t.teardown(() => redis.disconnect());
  return { redis, log, lines };
}

/** Leaves out the lines about the connection. Their number depends on when the driver notices the outage. */
function isAboutAttempts(line: string): boolean {
  return line === LOST || line === BACK;
}

t.test('an answer of Redis that is not a list of two integers counts as an outage', async (t) => {
  const subject = { account: 'ann', identifier: 'ann', network: '192.0.2.1' };
  for (const answer of [
    null,
    'OK',
    [],
    [0],
    [0, 0, 0],
    ['0', '0'],
    [0, null],
    [Number.NaN, 0],
    { 0: 0, 1: 0 },
  ]) {
    type Client = Parameters<typeof createRedisAttempts>[0];
    const redis = { evalsha: async () => answer } as unknown as Client; // a real Redis gives no such answer
    const attempts = createRedisAttempts(redis);
    await t.rejects(attempts.begin(subject, NOW), StoreUnavailable, JSON.stringify(answer));
    await t.rejects(
      attempts.countAction('register', { count: 1, perMilliseconds: 1 }, NOW),
      StoreUnavailable,
      JSON.stringify(answer),
    );
  }
});

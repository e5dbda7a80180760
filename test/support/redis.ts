import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { prepareCleanup } from './cleanup.ts';
import { freePort } from './ports.ts';
import { type RunningServer, waitForServer } from './process.ts';
import { skipFor } from './skip.ts';

const SERVER = 'redis-server';
const LOCAL = 'redis://127.0.0.1:6379';

/** A Redis server on 127.0.0.1, empty at its start, that a test may kill, freeze and flush. */
export interface PrivateRedis {
  readonly url: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. Resolves when it accepts connections. */
  start(): Promise<void>;
  /** SIGSTOP: connections are accepted, but the server does not answer. */
  freeze(): void;
  thaw(): void;
}

let server: Promise<string | null> | undefined;

/**
 * The URL of a Redis server; null if there is none. The first of: TEST_REDIS_URL, a server on the standard
 * port, a new server of this process. Rejects if TEST_REDIS_URL is set and cannot be used.
 */
function redisServer(): Promise<string | null> {
  server ??= findServer();
  return server;
}

/**
 * The URL of a Redis server. If there is none, skips the test and returns null, or fails the test with
 * CI=true.
 */
export async function requireRedis(t: Pick<Test, 'plan'>): Promise<string | null> {
  const url = await redisServer();
  if (url === null) skipFor(t, 'Redis');
  return url;
}

/** A unique prefix for keys. Its keys are deleted when the test ends. */
export function testPrefix(t: Pick<Test, 'teardown'>, redis: Redis): string {
  const prefix = `kinship_test_${randomBytes(8).toString('hex')}:`;
  t.teardown(async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(keys);
  });
  return prefix;
}

/** Returns whether Redis is installed. If not, skips the test, or fails it with CI=true. */
export function requirePrivateRedis(t: Pick<Test, 'plan'>): boolean {
  if (isInstalled()) return true;
  skipFor(t, SERVER);
  return false;
}

/** Starts a new server that ends with the test. `args` are those of redis-server, a configuration file first. */
export async function startPrivateRedis(
  t: Pick<Test, 'teardown'>,
  args: readonly string[] = [],
): Promise<PrivateRedis> {
  const redis = await launchRedis(args);
  t.teardown(redis.kill);
  return redis;
}

async function launchRedis(args: readonly string[] = []): Promise<PrivateRedis> {
  const port = await freePort();
  let running = await spawnRedis(port, args);
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: () => running.kill(),
    async start() {
      running = await spawnRedis(port, args);
    },
    freeze: () => running.signal('SIGSTOP'),
    thaw: () => running.signal('SIGCONT'),
  };
}

function spawnRedis(port: number, args: readonly string[]): Promise<RunningServer> {
  const address = ['--port', String(port), '--bind', '127.0.0.1'];
  const files = args.filter((arg) => arg.endsWith('.conf'));
  const more = args.filter((arg) => !files.includes(arg));
  const child = spawn(SERVER, [...files, ...address, '--save', '', '--appendonly', 'no', ...more], {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const cleanup = prepareCleanup('kill -9 "$1"', [String(child.pid)]);
  child.once('exit', cleanup.dismiss);
  return waitForServer(child, /Ready to accept connections|Sentinel ID is/);
}

function isInstalled(): boolean {
  return spawnSync(SERVER, ['--version']).status === 0;
}

async function findServer(): Promise<string | null> {
  const given = process.env.TEST_REDIS_URL;
  if (given) {
    await ping(given);
    return given;
  }
  const answers = await ping(LOCAL).then(
    () => true,
    () => false,
  );
  if (answers) return LOCAL;
  return isInstalled() ? (await launchRedis()).url : null;
}

async function ping(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 5_000 });
  redis.on('error', () => {});
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}

import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { prepareCleanup } from './cleanup.ts';
import { freePort } from './ports.ts';
import { type RunningServer, waitForServer } from './process.ts';
import { skipFor } from './skip.ts';

const SERVER = 'rabbitmq-server';

/**
 * Debian's script on the PATH accepts only two users. The script that it calls, in this folder, accepts every
 * user.
 */
const DEBIAN = '/usr/lib/rabbitmq/lib';

/** `ERL_EPMD_RELAXED_COMMAND_CHECK` lets `epmd`, Erlang's port mapper, accept `-kill` while a node is registered. */
const END_AND_REMOVE = 'kill -9 "$(cat "$1/pid")"; ERL_EPMD_PORT="$2" epmd -kill; rm -rf "$1"';

/** A broker on 127.0.0.1 that a test may kill, freeze and overload. */
export interface PrivateRabbitMq {
  readonly url: string;
  readonly port: number;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again with its data, on the same port. Resolves when it accepts connections. */
  start(): Promise<void>;
  /** SIGSTOP: connections are accepted, but the broker does not answer. */
  freeze(): void;
  thaw(): void;
  /** Runs `rabbitmqctl` for this broker with these arguments, and returns its output. */
  control(...args: readonly string[]): Promise<string>;
}

/** Returns whether RabbitMQ is installed. If not, skips the test, or fails it with CI=true. */
export function requirePrivateRabbit(t: Pick<Test, 'plan'>): boolean {
  if (findRabbitServer() !== null) return true;
  skipFor(t, SERVER);
  return false;
}

/** Starts a new broker that ends and is removed with the test. `configuration` is its rabbitmq.conf. */
export async function startPrivateRabbit(
  t: Pick<Test, 'teardown'>,
  configuration = '',
): Promise<PrivateRabbitMq> {
  const { remove, ...rabbit } = await launchRabbit(configuration);
  t.teardown(remove);
  return rabbit;
}

/**
 * Like {@link startPrivateRabbit}, but outside of a test: it runs until `remove()` or the end of this
 * process.
 */
export async function launchRabbit(
  configuration = '',
): Promise<PrivateRabbitMq & { remove(): Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'kinship-rabbit-'));
  const [port, epmdPort] = [await freePort(), await freePort()];
  const env = environment(home, { port, epmdPort, nodePort: await freePort() });
  const { run: remove } = prepareCleanup(END_AND_REMOVE, [home, String(epmdPort)]);
  await writeFile(join(home, 'rabbitmq.conf'), configuration);
  const start = () => spawnBroker(home, env);
  try {
    let running = await start();
    return {
      url: `amqp://127.0.0.1:${port}`,
      port,
      kill: () => running.kill(),
      async start() {
        running = await start();
      },
      freeze: () => running.signal('SIGSTOP'),
      thaw: () => running.signal('SIGCONT'),
      control: (...args) => control(env, args),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The script that starts a broker: Debian's newest, otherwise the one on the PATH. */
export function findRabbitServer(): string | null {
  const debian = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort().reverse() : [];
  const folders = [
    ...debian.map((version) => join(DEBIAN, version, 'sbin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return folders.map((folder) => join(folder, SERVER)).find((file) => existsSync(file)) ?? null;
}

interface Ports {
  readonly port: number;
  readonly nodePort: number;
  readonly epmdPort: number;
}

/** With this environment, a broker shares no files, ports and configuration with another broker of this machine. */
function environment(home: string, { port, nodePort, epmdPort }: Ports): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    LC_ALL: 'C.UTF-8',
    RABBITMQ_NODENAME: `kinship${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(nodePort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_RELAXED_COMMAND_CHECK: '1',
    RABBITMQ_CONF_ENV_FILE: join(home, 'none'),
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(home, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'plugins'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(home, 'config'),
    RABBITMQ_MNESIA_BASE: join(home, 'data'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: join(home, 'own-pid'),
    // The script replaces itself with the broker instead of supervising it.
    detached: '1',
  };
}

async function spawnBroker(home: string, env: NodeJS.ProcessEnv): Promise<RunningServer> {
  const server = findRabbitServer();
  if (server === null) throw new Error('RabbitMQ is not installed');
  const child = spawn(server, { cwd: home, env, stdio: ['ignore', 'pipe', 'ignore'] });
  await writeFile(join(home, 'pid'), String(child.pid));
  return waitForServer(child, /Server startup complete/);
}

async function control(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<string> {
  const command = join(dirname(findRabbitServer() ?? ''), 'rabbitmqctl');
  return (await promisify(execFile)(command, [...args], { env })).stdout;
}

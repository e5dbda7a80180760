import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { type Account, prepareCleanup, unprivilegedAccount } from '../../support/cleanup.ts';
import { freePort } from '../../support/ports.ts';
import { findPostgresBinaries } from '../../support/private-postgres.ts';
import { skipFor } from '../../support/skip.ts';
import { type TcpProxy, tcpProxy } from '../../support/tcp-proxy.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { connectDirectly } from './service.ts';

const HOST = '127.0.0.1';
const SCOPE = 'kinship';

/** Kills Patroni before PostgreSQL, because Patroni would start PostgreSQL again. */
const STOP_AND_REMOVE = `cd "$1"; kill -9 $(cat *.pid)
  for data in "$1"/*/data; do "$2/pg_ctl" -D "$data" --mode immediate --wait stop; done
  rm -rf "$1"`;

/** The dynamic configuration of the cluster, in the names of Patroni. */
export interface PatroniSettings {
  readonly synchronous_mode: boolean;
  readonly synchronous_mode_strict?: boolean;
  readonly ttl?: number;
  readonly loop_wait?: number;
  readonly retry_timeout?: number;
  readonly maximum_lag_on_failover?: number;
}

interface Place {
  readonly home: string;
  readonly account: Account | undefined;
}

/** Returns whether Patroni, etcd and PostgreSQL are installed. If not, skips the test, or fails it with CI=true. */
export function requirePatroni(t: Pick<Test, 'plan'>): boolean {
  const missing = ['patroni', 'patronictl', 'etcd'].find((program) => !isOnPath(program));
  const name = missing ?? (findPostgresBinaries() === null ? "PostgreSQL's initdb" : undefined);
  if (name === undefined) return true;
  skipFor(t, name);
  return false;
}

/**
 * Starts two nodes of PostgreSQL under Patroni, with one etcd. They end and are removed with the test. The replication
 * from each node passes a proxy.
 */
export async function startPatroniCluster(t: Test, settings: PatroniSettings) {
  const place = {
    home: await mkdtemp(join(tmpdir(), 'kinship-patroni-')),
    account: unprivilegedAccount('postgres', 'nobody'),
  };
  if (place.account) await chown(place.home, place.account.uid, place.account.gid);
  const cleanup = prepareCleanup(STOP_AND_REMOVE, [place.home, findPostgresBinaries()!], place.account);
  t.teardown(cleanup.run);

  const etcd = await startEtcd(place);
  const one = await createNode(t, place, 'one', etcd, settings);
  const two = await createNode(t, place, 'two', etcd, settings);
  const nodes = [one, two];
  const replica = settings.synchronous_mode ? 'sync_standby' : 'replica';
  await one.start();
  await waitUntil(() => hasRole(one, 'leader'));
  await two.start();
  await waitUntil(() => hasRole(two, replica));

  return {
    /** A URL that names both nodes. */
    hosts: `postgres://postgres@${nodes.map(({ port }) => `${HOST}:${port}`).join()}/postgres?target_session_attrs=read-write`,
    one,
    two,
    /** Makes `to` the leader, as an operator does. Resolves when the command ends. */
    async switchOver(from: PatroniNode, to: PatroniNode) {
      const args = ['--leader', from.name, '--candidate', to.name, '--force', SCOPE];
      await run(place, 'patronictl', ['-c', from.configuration, 'switchover', ...args]);
    },
    /** Resolves when this node replicates the leader, and synchronously if the cluster is synchronous. */
    waitForReplication: (node: PatroniNode) => waitUntil(() => hasRole(node, replica)),
  };
}

export type PatroniNode = Awaited<ReturnType<typeof createNode>>;

async function createNode(t: Test, place: Place, name: string, etcd: string, settings: PatroniSettings) {
  const folder = join(place.home, name);
  const [port, apiPort] = [await freePort(), await freePort()];
  const line = await tcpProxy(t, { host: HOST, port });
  const configuration = join(place.home, `${name}.json`);
  const api = `${HOST}:${apiPort}`;
  // Patroni reads YAML, and JSON is YAML.
  await writeFile(
    configuration,
    JSON.stringify(buildConfiguration({ name, folder, port, api, line, etcd, settings })),
  );
  const url = `postgres://postgres@${HOST}:${port}/postgres`;
  let patroni: ChildProcess | undefined;
  const killPostgres = async () => {
    const [postmaster] = (await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n');
    process.kill(Number(postmaster), 'SIGKILL');
  };
  const killPatroni = async () => {
    const gone = once(patroni!, 'exit');
    patroni!.kill('SIGKILL');
    await gone;
  };

  return {
    name,
    port,
    configuration,
    /** The address of its REST API. */
    api,
    /** The proxy of the replication from this node. While it is paused, the other node receives no change. */
    line,
    connect: () => connectDirectly(t, url),
    async start() {
      patroni = await launch(place, name, 'patroni', [configuration]);
    },
    /** SIGKILL of Patroni and of PostgreSQL, like the loss of the machine. */
    async kill() {
      await Promise.all([killPostgres(), killPatroni()]);
    },
    /** SIGKILL of PostgreSQL's first process. */
    killPostgres,
    /** SIGKILL of Patroni. PostgreSQL continues. */
    killPatroni,
  };
}

function buildConfiguration(node: {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly api: string;
  readonly line: TcpProxy;
  readonly etcd: string;
  readonly settings: PatroniSettings;
}) {
  return {
    scope: SCOPE,
    name: node.name,
    restapi: { listen: node.api, connect_address: node.api },
    etcd3: { host: node.etcd },
    bootstrap: {
      dcs: { ...node.settings, postgresql: { use_pg_rewind: true, use_slots: true } },
      initdb: ['no-sync', { encoding: 'UTF8' }, { locale: 'C' }],
    },
    postgresql: {
      listen: `${HOST}:${node.port}`,
      connect_address: `${HOST}:${node.line.port}`,
      data_dir: join(node.folder, 'data'),
      bin_dir: findPostgresBinaries(),
      pgpass: join(node.folder, 'pgpass'),
      pg_hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
      authentication: { superuser: { username: 'postgres' }, replication: { username: 'replicator' } },
      parameters: { unix_socket_directories: node.folder },
    },
  };
}

/** Whether Patroni reports this role, as in the table of `patronictl list`, and that PostgreSQL runs in it. */
async function hasRole(node: PatroniNode, role: string): Promise<boolean> {
  const answer = await fetch(`http://${node.api}/cluster`).catch(() => null);
  if (answer === null) return false;
  const { members = [] } = (await answer.json()) as { members?: Record<string, unknown>[] };
  return members.some((it) => it.name === node.name && it.role === role && it.state === 'running');
}

async function startEtcd(place: Place): Promise<string> {
  const [client, peer] = [`${HOST}:${await freePort()}`, `${HOST}:${await freePort()}`];
  const urls = ['--listen-client-urls', '--advertise-client-urls'].flatMap((name) => [
    name,
    `http://${client}`,
  ]);
  const peers = ['--listen-peer-urls', '--initial-advertise-peer-urls'].flatMap((name) => [
    name,
    `http://${peer}`,
  ]);
  const rest = ['--initial-cluster', `default=http://${peer}`, '--data-dir', join(place.home, 'etcd')];
  await launch(place, 'etcd', 'etcd', [...urls, ...peers, ...rest]);
  await waitUntil(async () => (await fetch(`http://${client}/health`).catch(() => null))?.ok === true);
  return client;
}

/** Starts a program whose output goes to a file. */
async function launch({ home, account }: Place, name: string, program: string, args: readonly string[]) {
  const log = await open(join(home, `${name}.log`), 'a');
  const options = { cwd: home, env: environment(home), ...account };
  const child = spawn(program, args, { ...options, stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  await writeFile(join(home, `${name}.pid`), `${child.pid}\n`);
  child.unref();
  return child;
}

async function run({ home, account }: Place, program: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(program, [...args], { cwd: home, env: environment(home), ...account });
}

function environment(home: string) {
  return { PATH: process.env.PATH, HOME: home, LC_ALL: 'C.UTF-8' };
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

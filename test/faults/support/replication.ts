import type { Test } from 'tap';
import { startPrivatePostgres, startStandby } from '../../support/private-postgres.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { connectDirectly } from './service.ts';

const HOST = '127.0.0.1';

/**
 * Starts a primary, and a standby that replicates it through a proxy. The address of `url` leads to the primary until
 * `redirect`. With `synchronous`, no change is acknowledged before the standby has it.
 */
export async function startReplicatedPostgres(t: Test, { synchronous }: { readonly synchronous: boolean }) {
  const primary = await startPrivatePostgres(t);
  const line = await tcpProxy(t, { host: HOST, port: primary.port });
  const standby = await startStandby(t, line.port);
  const onPrimary = connectDirectly(t, primary.url);
  if (synchronous) await onPrimary`alter system set synchronous_standby_names = '*'`;
  await onPrimary`select pg_reload_conf()`;
  const wanted = synchronous ? 'sync' : 'async';
  await waitUntil(async () => {
    const [follower] = await onPrimary`select state, sync_state from pg_stat_replication`;
    return follower?.state === 'streaming' && follower.sync_state === wanted;
  });
  const onStandby = connectDirectly(t, standby.url);
  const target = { host: HOST, port: primary.port };
  const address = await tcpProxy(t, target);

  return {
    url: `postgres://postgres@${HOST}:${address.port}/postgres`,
    /** A URL that names both clusters instead of the address, the standby first. */
    hosts: `postgres://postgres@${HOST}:${standby.port},${HOST}:${primary.port}/postgres?target_session_attrs=read-write`,
    onPrimary,
    /** The proxy of the replication. While it is paused, no change reaches the standby. */
    line,
    /** The process id of the WAL receiver of the standby. */
    async receiver(): Promise<number> {
      const [process] = await onStandby<{ pid: number }[]>`select pid from pg_stat_wal_receiver`;
      if (process === undefined) throw new Error('the standby has no WAL receiver');
      return process.pid;
    },
    /** Crashes the primary for good, and resolves when the standby is the primary. */
    async promote() {
      await primary.stop('immediate');
      await standby.promote();
      return onStandby;
    },
    /** From now on the address leads to the standby. */
    redirect() {
      target.port = standby.port;
      address.cut();
    },
  };
}

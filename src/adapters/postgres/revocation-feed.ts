import type { Policy } from '../../domain/policy.ts';
import { createOutage } from '../../lib/outage.ts';
import { sleep } from '../../lib/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { FedRevokedFamilies } from '../../ports/revoked-families.ts';
import type { PostgresAddress, Sql, UrlAddress } from './connect.ts';
import { maintainEmbeddedList, type RevocationFeed } from './embedded/revocation-list.ts';
import { execute } from './execute.ts';
import { pollRevocations } from './polling.ts';
import { loadRevocations, type Revocation } from './revocations.ts';
import { subscribe } from './subscription.ts';

interface Options {
  readonly address: PostgresAddress;
  /** The pool. It probes the subscription, polls, and loads the revocations of the embedded database. */
  readonly sql: Sql;
  readonly list: FedRevokedFamilies;
  readonly policy: Pick<Policy, 'accessTokenAge' | 'clockSkew'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds between two attempts to subscribe. */
const RETRY_DELAY = 500;

/**
 * Keeps the list of revoked families up to date until `stop`. Resolves after the first attempt to subscribe. If the
 * attempt failed, the list is incomplete, and further attempts follow. The source of the list depends on the address:
 *
 * - PostgreSQL: notifications. The list is complete after the load, and incomplete once the connection is lost. A
 *   connection that stops answering is detected within {@link DETECTION_TIME}.
 * - A pooler in transaction mode delivers no notifications, so revocations are polled ({@link pollRevocations}).
 * - The embedded database delivers no notifications either. The list is loaded at the start, and a failed load rejects
 *   with the error of the database. Afterwards {@link maintainEmbeddedList} maintains the list.
 */
export async function startRevocationFeed(options: Options): Promise<RevocationFeed> {
  const { address, sql, list, policy, clock, log } = options;
  // Older revocations do not matter: their access tokens have expired.
  const maxAge = policy.accessTokenAge + policy.clockSkew;

  if (address.kind === 'embedded') {
    await load(sql);
    return maintainEmbeddedList({ list, log, reload: () => execute(load(sql)) });
  }

  const stopping = new AbortController();
  const stop = stopping.signal;
  const outage = createOutage();
  let onFirstAttempt = () => {};
  const firstAttempt = new Promise<void>((resolve) => {
    onFirstAttempt = resolve;
  });
  const running = keepSubscribed(address);
  await firstAttempt;
  return {
    // A committed revocation is notified or polled, even if the answer of its statement was lost.
    noteFailure() {},
    noteOtherClients() {},
    async stop() {
      stopping.abort();
      await running;
    },
  };

  async function keepSubscribed(address: UrlAddress): Promise<void> {
    while (!stop.aborted) {
      const common = { pool: sql, onRevocation, onComplete, onLost, stop };
      const reason = await (address.pooler === 'transaction'
        ? pollRevocations({ ...common, clock, maxAge, clockSkew: policy.clockSkew })
        : subscribe({ ...common, address, load }));
      if (!stop.aborted) logLoss(reason);
      onFirstAttempt();
      await sleep(RETRY_DELAY, stop);
    }
  }

  function onComplete(): void {
    list.setComplete(true);
    log.info({}, 'revocation feed connected');
    outage.end();
    onFirstAttempt();
  }

  function onLost(): void {
    list.setComplete(false);
  }

  /** Logs the loss once. Later attempts to subscribe that fail are not logged. */
  function logLoss(reason: unknown): void {
    outage.begin(() =>
      log.warn({ err: reason }, 'revocation feed lost; checking the database on every request'),
    );
  }

  async function load(connection: Sql): Promise<void> {
    for (const revocation of await loadRevocations(connection, clock() - maxAge)) onRevocation(revocation);
  }

  function onRevocation({ tokenFamily, reason, revokedAt }: Revocation): void {
    list.remember(tokenFamily, reason, revokedAt + maxAge);
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Policy } from '../../domain/policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { FedRevokedFamilies } from '../../ports/revoked-families.ts';
import type { PostgresAddress, Sql, UrlAddress } from './connect.ts';
import { keepEmbeddedList, type RevocationFeed } from './embedded/revocation-list.ts';
import { execute } from './execute.ts';
import { pollRevocations } from './polling.ts';
import { loadRevocations, type Revocation } from './revocations.ts';
import { subscribe } from './subscription.ts';

interface Options {
  readonly address: PostgresAddress;
  /** The pool: over it the subscription is tried out, and the embedded database asked. */
  readonly sql: Sql;
  readonly list: FedRevokedFamilies;
  readonly policy: Pick<Policy, 'accessTokenAge' | 'clockSkew'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds between two tries to subscribe. */
const PAUSE = 500;

/**
 * Keeps the list of revoked families up to date until stopped. Resolves once the first subscription stands or has
 * failed; the list says which. It is complete from the moment when all that is worth knowing was loaded, and
 * incomplete from the moment when the connection is known to be gone; a connection that dies without a word is
 * found out within a few seconds ({@link SILENCE}).
 *
 * A pooler in transaction mode delivers no notifications: there the list is kept by polling ({@link pollRevocations}).
 *
 * The embedded database delivers no notifications: there the list is loaded at the start (rejects with the error of
 * the database), and the one process that owns the database remembers what it revokes itself. After a statement of
 * unknown outcome the list is incomplete until it is loaded again.
 */
export async function startRevocationFeed(options: Options): Promise<RevocationFeed> {
  const { address, sql, list, policy, clock, log } = options;
  const worthKnowing = policy.accessTokenAge + policy.clockSkew;

  if (address.kind === 'embedded') {
    await load(sql);
    return keepEmbeddedList({ list, log, reload: () => execute(load(sql)) });
  }

  const stopping = new AbortController();
  const stop = stopping.signal;
  let isTold = false;
  let onFirst = () => {};
  const first = new Promise<void>((resolve) => {
    onFirst = resolve;
  });
  const running = keepSubscribed(address);
  await first;
  return {
    // A committed revocation arrives as a notification, whatever became of the answer.
    noteFailure() {},
    async stop() {
      stopping.abort();
      await running;
    },
  };

  async function keepSubscribed(address: UrlAddress): Promise<void> {
    while (!stop.aborted) {
      const common = { pool: sql, take, onComplete, onLost, stop };
      const reason = await (address.pooler === 'transaction'
        ? pollRevocations({ ...common, clock, worthKnowing })
        : subscribe({ ...common, address, load }));
      if (!stop.aborted) tell(reason);
      onFirst();
      await delay(PAUSE, undefined, { signal: stop }).catch(() => {});
    }
  }

  function onComplete(): void {
    list.setComplete(true);
    log.info({}, 'revocations are heard of as they happen');
    isTold = false;
    onFirst();
  }

  function onLost(): void {
    list.setComplete(false);
  }

  /** Once for each time that the feed is lost, however many tries it takes to get it back. */
  function tell(reason: unknown): void {
    if (!isTold) log.warn({ err: reason }, 'revocations are not heard of: each request asks the database');
    isTold = true;
  }

  async function load(connection: Sql): Promise<void> {
    for (const revocation of await loadRevocations(connection, clock() - worthKnowing)) take(revocation);
  }

  function take({ tokenFamily, reason, revokedAt }: Revocation): void {
    list.remember(tokenFamily, reason, revokedAt + worthKnowing);
  }
}

import { errorCode, isTlsFailure, ServerUnusable } from '../../lib/errors.ts';
import { createOutage } from '../../lib/outage.ts';
import { sleep, waitAtMost } from '../../lib/time.ts';
import type { Log } from '../../ports/log.ts';
import { type BrokerConnection, openConnection } from './broker-connection.ts';
import { parseBrokerUrl } from './broker-url.ts';
import { TOPOLOGY, type Topology } from './topology.ts';

/** A connection to the broker that is opened again after each loss. */
export interface Broker {
  /** The current connection; null while disconnected. */
  connection(): BrokerConnection | null;
  close(): Promise<void>;
}

/**
 * Milliseconds between two attempts to connect. The pause doubles up to the maximum. A random part of the pause, at
 * most a half, is subtracted.
 */
const FIRST_PAUSE = 250;
const MAX_PAUSE = 5_000;

/** Milliseconds for the closing handshake. A broker that hangs must not delay the shutdown longer. */
const CLOSE_TIMEOUT = 1_000;

/**
 * Error codes of faults that an operator must correct: password, vhost, permissions, or an exchange of another type.
 */
const REFUSED = /^(?:ACCESS_REFUSED|NOT_ALLOWED|PRECONDITION_FAILED|RESOURCE_LOCKED)$/;

/**
 * Connects to the broker and reconnects until `close`. An outage is logged once for each reason, and its end once.
 *
 * With `amqps` it waits for the first attempt and rejects if TLS fails. Otherwise it does not wait: the service starts
 * even if the broker is down or refuses it.
 */
export async function connectBroker(url: string, log: Log, topology: Topology = TOPOLOGY): Promise<Broker> {
  const address = parseBrokerUrl(url);
  const stopping = new AbortController();
  const stop = stopping.signal;
  const outage = createOutage();
  let current: BrokerConnection | null = null;
  let onFirstAttempt = (_failure: unknown) => {};
  const firstAttempt = new Promise<unknown>((resolve) => {
    onFirstAttempt = resolve;
  });
  const running = reconnectUntilStopped();
  if (address.tls !== undefined) await assertTrusted();
  return { connection: () => current, close };

  async function reconnectUntilStopped(): Promise<void> {
    for (let failures = 0; !stop.aborted; failures += 1) {
      if (await runConnection()) failures = 0;
      await sleep(Math.min(MAX_PAUSE, FIRST_PAUSE * 2 ** failures) * (0.5 + Math.random() / 2), stop);
    }
  }

  /**
   * Opens a connection and waits until it closes. Returns whether it was open for longer than `MAX_PAUSE`. A shorter
   * connection counts as a failure: the broker may close each connection at the first event, if the user may not
   * publish events of that type.
   */
  async function runConnection(): Promise<boolean> {
    try {
      current = await openConnection(address, topology, { stop, onBlocked: logBlocked });
    } catch (reason) {
      logOutage(reason);
      onFirstAttempt(reason);
      return false;
    }
    // The signal may abort in the same turn of the event loop in which the connection opens. Then `openConnection` does
    // not listen to the signal any more.
    if (stop.aborted) current.abandon(stop.reason);
    outage.end(() => log.info({}, 'RabbitMQ is connected again; waiting events are published'));
    onFirstAttempt(null);
    const openedAt = performance.now();
    logOutage(await current.closed);
    current = null;
    return performance.now() - openedAt > MAX_PAUSE;
  }

  function logOutage(reason: unknown): void {
    if (stop.aborted) return;
    const code = errorCode(reason) || String(reason);
    outage.begin(() => {
      if (REFUSED.test(code))
        log.error(
          { err: reason },
          'RabbitMQ refused the service; events wait. Check the user, vhost and permissions, and the exchange and queue',
        );
      else log.warn({ err: reason }, 'RabbitMQ is unreachable; events wait until it is connected again');
    }, code);
  }

  function logBlocked(reason: string | null): void {
    if (reason === null) log.info({}, 'RabbitMQ accepts events again');
    else
      log.warn(
        { reason },
        'RabbitMQ blocks publishers; events wait. Free memory or disk space on the broker',
      );
  }

  async function assertTrusted(): Promise<void> {
    const failure = await firstAttempt;
    if (!isTlsFailure(errorCode(failure))) return;
    await close();
    throw new ServerUnusable(
      'TLS with RabbitMQ failed: its certificate is not trusted, or it offers no TLS. Check AMQP_URL, or name its authority in NODE_EXTRA_CA_CERTS.',
      { cause: failure },
    );
  }

  async function close(): Promise<void> {
    const last = current;
    stopping.abort();
    if (last !== null) {
      await waitAtMost(CLOSE_TIMEOUT, last.close());
      last.abandon(new Error('The service closed the connection to RabbitMQ.'));
    }
    await running;
  }
}

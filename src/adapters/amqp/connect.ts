import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../ports/log.ts';
import { addressOf } from './address.ts';
import { codeOf } from './code-of.ts';
import { type Link, openLink } from './link.ts';
import { TOPOLOGY, type Topology } from './topology.ts';

/** A broker that may be away, and comes back. */
export interface Broker {
  /** The link as it is now, if there is one. */
  link(): Link | null;
  close(): Promise<void>;
}

/** Milliseconds between two tries to connect: drawn from a span that doubles up to the longest. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5_000;

/** Milliseconds that the end may take: to part in good order from a broker that hangs is not worth the wait. */
const PARTING = 1_000;

/** The certificate does not verify, or there is no TLS where TLS is due. */
const UNTRUSTED = /CERT|UNABLE_TO_VERIFY|SELF_SIGNED|^ERR_SSL_|^EPROTO$/;

/** What the operator has to mend: the password, the vhost, the permissions, an exchange of another kind. */
const REFUSED = /^(?:ACCESS_REFUSED|NOT_ALLOWED|PRECONDITION_FAILED|RESOURCE_LOCKED)$/;

/**
 * Keeps a link to the broker until closed. A loss and its end are logged once, and again when it is lost for another
 * reason than before.
 *
 * Rejects where TLS is asked for and the broker is not to be trusted. Waits for nothing else: a broker that is down,
 * or refuses us, is no reason not to start.
 */
export async function connectBroker(url: string, log: Log, topology: Topology = TOPOLOGY): Promise<Broker> {
  const address = addressOf(url);
  const stopping = new AbortController();
  const stop = stopping.signal;
  let link: Link | null = null;
  let told: string | null = null;
  let onFirst = (_failure: unknown) => {};
  const first = new Promise<unknown>((resolve) => {
    onFirst = resolve;
  });
  const running = keepLinked();
  if (address.tls !== undefined) await trusted();
  return { link: () => link, close };

  async function keepLinked(): Promise<void> {
    for (let failures = 0; !stop.aborted; failures += 1) {
      if (await linked()) failures = 0;
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures) * (0.5 + Math.random() / 2);
      await delay(pause, undefined, { signal: stop }).catch(() => {});
    }
  }

  /** One link, to its end. Answers whether there was one at all. */
  async function linked(): Promise<boolean> {
    try {
      link = await openLink(address, topology, { stop, onBlocked: tellOfBlock });
    } catch (reason) {
      tell(reason);
      onFirst(reason);
      return false;
    }
    // Closed in the very turn in which it was opened.
    if (stop.aborted) link.abandon(stop.reason);
    if (told !== null) log.info({}, 'RabbitMQ is there again');
    told = null;
    onFirst(null);
    tell(await link.over);
    link = null;
    return true;
  }

  function tell(reason: unknown): void {
    const code = codeOf(reason) || String(reason);
    if (stop.aborted || code === told) return;
    told = code;
    if (REFUSED.test(code)) log.error({ err: reason }, 'RabbitMQ refuses the service, events wait');
    else log.warn({ err: reason }, 'RabbitMQ cannot be reached, events wait');
  }

  function tellOfBlock(reason: string | null): void {
    if (reason === null) log.info({}, 'RabbitMQ accepts events again');
    else
      log.warn(
        { reason },
        'RabbitMQ blocks publishers, events wait: free memory or disk space at the broker',
      );
  }

  async function trusted(): Promise<void> {
    const failure = await first;
    if (!UNTRUSTED.test(codeOf(failure))) return;
    await close();
    throw new Error('RabbitMQ is not to be trusted.', { cause: failure });
  }

  async function close(): Promise<void> {
    const last = link;
    stopping.abort();
    if (last !== null) {
      const late = delay(PARTING, undefined, { ref: false });
      await Promise.race([last.close(), late]);
      last.abandon(new Error('The service has parted from the broker.'));
    }
    await running;
  }
}

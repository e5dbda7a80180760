import type { Logger } from '../adapters/telemetry/log.ts';
import type { DeliveryDeps } from '../app/delivery/claim-due.ts';
import { logEvents } from '../app/delivery/log-events.ts';
import { publishEvents } from '../app/delivery/publish-events.ts';
import type { RemovalDeps } from '../app/upkeep/removal.ts';
import type { Config } from '../config.ts';
import { waitForAll } from '../lib/run-all.ts';
import type { Tracing } from '../ports/tracing.ts';
import { type Background, startLoop } from './loop.ts';
import type { AddDependency } from './shared-state.ts';

/**
 * Milliseconds between two polls of an empty outbox. A NOTIFY in each transaction would be faster, but PostgreSQL then
 * commits one transaction at a time: see docs/decisions/0004-events-commit-with-their-change.md.
 */
const POLL = { forLog: 1_000, forBroker: 200 };

/** Starts to publish events to RabbitMQ. Without a configured broker the events are logged instead. */
export async function startEventDelivery(
  { brokerUrl, tokens }: Pick<Config, 'brokerUrl' | 'tokens'>,
  deps: DeliveryDeps &
    RemovalDeps & {
      readonly tracing: Tracing | null;
      readonly addDependency: AddDependency;
      readonly log: Logger;
    },
): Promise<Background> {
  const { log } = deps;
  if (brokerUrl === null) return startLoop(POLL.forLog, logEvents(deps), log);
  // The adapter is loaded on demand: a start without a broker is faster.
  const [{ connectBroker }, { createEventPublisher }] = await Promise.all([
    import('../adapters/amqp/connect.ts'),
    import('../adapters/amqp/event-publisher.ts'),
  ]);
  const broker = await connectBroker(brokerUrl, log);
  const publisher = createEventPublisher(broker, { source: sourceOf(tokens) });
  deps.addDependency('broker', publisher.isReady);
  const loop = startLoop(POLL.forBroker, publishEvents({ ...deps, publisher, random: Math.random }), log);
  return {
    async stop() {
      // In parallel: closing the publisher aborts events that a slow broker delays.
      await waitForAll([loop.stop(), publisher.close()]);
    },
  };
}

/** The `source` of CloudEvents is a URI reference. The issuer of the tokens is the same on every replica. */
export function sourceOf({ issuers: [issuer = 'kinship'] }: Config['tokens']): string {
  return encodeURI(issuer);
}

import type { Logger } from '../adapters/telemetry/log.ts';
import type { DeliveryDeps } from '../app/delivery/claim-due.ts';
import { logEvents } from '../app/delivery/log-events.ts';
import { publishEvents } from '../app/delivery/publish-events.ts';
import type { RemovalDeps } from '../app/upkeep/removal.ts';
import type { Config } from '../config.ts';
import type { Tracing } from '../ports/tracing.ts';
import { type Background, startLoop } from './loop.ts';

/**
 * Milliseconds between two looks into an empty outbox. A NOTIFY with each change would be quicker, but lets one
 * commit through at a time: see docs/decisions/0004-events-commit-with-their-change.md.
 */
const POLL = { forLog: 1_000, forBroker: 200 };

/** Sends events to RabbitMQ where there is one; logs them otherwise. */
export async function startEvents(
  { brokerUrl, tokens }: Pick<Config, 'brokerUrl' | 'tokens'>,
  deps: DeliveryDeps & RemovalDeps & { readonly tracing: Tracing | null; readonly log: Logger },
): Promise<Background> {
  const { log } = deps;
  if (brokerUrl === null) return startLoop(POLL.forLog, logEvents(deps), log);
  // Loaded where it is wanted, to start sooner without.
  const [{ connectBroker }, { createEventPublisher }] = await Promise.all([
    import('../adapters/amqp/connect.ts'),
    import('../adapters/amqp/event-publisher.ts'),
  ]);
  const broker = await connectBroker(brokerUrl, log);
  const publisher = createEventPublisher(broker, { source: sourceOf(tokens) });
  const loop = startLoop(POLL.forBroker, publishEvents({ ...deps, publisher, random: Math.random }), log);
  return {
    async stop() {
      // Together: what a broker holds up is given up when the publisher closes.
      await Promise.all([loop.stop(), publisher.close()]);
    },
  };
}

/** The same on every replica and after every restart, and what is said in tokens: a URI reference, as is due. */
function sourceOf({ issuers: [issuer = 'kinship'] }: Config['tokens']): string {
  return encodeURI(issuer);
}

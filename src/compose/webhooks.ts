import type { Logger } from '../adapters/telemetry/log.ts';
import { deliverWebhooks } from '../app/webhooks/deliver-webhooks.ts';
import { disableDead } from '../app/webhooks/disable-dead.ts';
import { cloudEventFormat } from '../app/webhooks/formats/cloud-event.ts';
import { logoutTokenFormat } from '../app/webhooks/formats/logout-token.ts';
import { securityEventTokenFormat } from '../app/webhooks/formats/security-event-token.ts';
import type { Config } from '../config.ts';
import type { Mailer } from '../ports/delivery/mailer.ts';
import type { WebhookSender } from '../ports/delivery/webhook-sender.ts';
import type { NewId } from '../ports/new-id.ts';
import type { EventTokens } from '../ports/security/event-tokens.ts';
import type { WebhookSignatures } from '../ports/security/webhook-signatures.ts';
import { sourceOf } from './events.ts';
import { type Background, startLoop } from './loop.ts';

/** Milliseconds between two searches: for due deliveries, and for dead endpoints. */
const POLL = { toDeliver: 500, toDisable: 60_000 };

type Deps = Omit<Parameters<typeof deliverWebhooks>[0], 'formats' | 'sender' | 'random' | 'log'> & {
  readonly webhookSender: WebhookSender;
  readonly webhookSignatures: WebhookSignatures;
  readonly eventTokens: EventTokens;
  readonly mailer: Mailer;
  readonly newId: NewId;
  readonly log: Logger;
};

/** Starts to deliver events to the endpoints of other systems. */
export function startWebhooks({ tokens, http }: Pick<Config, 'tokens' | 'http'>, deps: Deps): Background {
  const { webhookSender: sender, webhookSignatures: signatures, log } = deps;
  const formats = {
    webhook: cloudEventFormat({ signatures, source: sourceOf(tokens) }),
    set: securityEventTokenFormat(deps.eventTokens),
    'logout-token': logoutTokenFormat(deps.eventTokens),
  };
  const queues = deliverWebhooks({ ...deps, sender, formats, random: Math.random });
  const search = async () => {
    await queues.startDue();
    return 0;
  };
  const { serviceName } = http;
  const loops = [
    startLoop(POLL.toDeliver, search, log),
    startLoop(POLL.toDisable, disableDead({ ...deps, serviceName }), log),
  ];
  return {
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      // In parallel: closing the sender ends the requests that a slow endpoint delays.
      await Promise.all([queues.stop(), sender.close()]);
    },
  };
}

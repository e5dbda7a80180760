import type { Logger } from '../adapters/telemetry/log.ts';
import { applyDeclared, assertAcceptableDeclaration } from '../app/webhooks/apply-declared.ts';
import { disableDead } from '../app/webhooks/disable-dead.ts';
import { cloudEventFormat } from '../app/webhooks/formats/cloud-event.ts';
import { logoutTokenFormat } from '../app/webhooks/formats/logout-token.ts';
import { securityEventTokenFormat } from '../app/webhooks/formats/security-event-token.ts';
import { notifyContacts } from '../app/webhooks/notify-contacts.ts';
import { createWebhookQueues } from '../app/webhooks/webhook-queues.ts';
import type { Config } from '../config.ts';
import { Refusal } from '../domain/refusal.ts';
import { waitForAll } from '../lib/run-all.ts';
import type { Mailer } from '../ports/delivery/mailer.ts';
import type { WebhookSender } from '../ports/delivery/webhook-sender.ts';
import type { NewId } from '../ports/new-id.ts';
import type { EventTokens } from '../ports/security/event-tokens.ts';
import type { WebhookSignatures } from '../ports/security/webhook-signatures.ts';
import { sourceOf } from './event-delivery.ts';
import { type Background, startLoop } from './loop.ts';

/**
 * Milliseconds between two rounds of each task: search due deliveries, disable dead endpoints, notify their contacts,
 * apply WEBHOOKS_FILE.
 */
const POLL = { toDeliver: 500, toDisable: 60_000, toNotify: 10_000, toApply: 5_000 };

type Deps = Omit<Parameters<typeof createWebhookQueues>[0], 'formats' | 'sender' | 'random' | 'log'> & {
  readonly webhookSender: WebhookSender;
  readonly webhookSignatures: WebhookSignatures;
  readonly eventTokens: EventTokens;
  readonly mailer: Mailer;
  readonly newId: NewId;
  readonly log: Logger;
};

/** Returns a sentence for each endpoint of WEBHOOKS_FILE that has a value which the service does not accept. */
export function webhooksFileFaults(
  { webhooks, keySet }: Pick<Config, 'webhooks' | 'keySet'>,
  webhookSender: Pick<WebhookSender, 'refusalOf'>,
): readonly string[] {
  const deps = { webhookSender, signsEventTokens: keySet.alg !== null };
  return webhooks.declared.flatMap((declared) => {
    try {
      assertAcceptableDeclaration(deps, declared);
      return [];
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return [`WEBHOOKS_FILE: ${declared.url}: ${error.message}`];
    }
  });
}

/** Starts to deliver events to the endpoints of other systems. */
export function startWebhooks(
  { tokens, http, webhooks }: Pick<Config, 'tokens' | 'http' | 'webhooks'>,
  deps: Deps,
): Background {
  const { webhookSender: sender, webhookSignatures: signatures, log } = deps;
  const random = Math.random;
  const formats = {
    webhook: cloudEventFormat({ signatures, source: sourceOf(tokens) }),
    set: securityEventTokenFormat(deps.eventTokens),
    'logout-token': logoutTokenFormat(deps.eventTokens),
  };
  const queues = createWebhookQueues({ ...deps, sender, formats, random });
  const search = async () => {
    await queues.startDue();
    return 0;
  };
  const { serviceName } = http;
  let isApplied = false;
  /** Applies WEBHOOKS_FILE once. Tries again after a failure, because the database may be unreachable at the start. */
  const applyFile = async () => {
    if (!isApplied) await applyDeclared(deps, webhooks.declared);
    isApplied = true;
    return 0;
  };
  const loops = [
    startLoop(POLL.toApply, applyFile, log),
    startLoop(POLL.toDeliver, search, log),
    startLoop(POLL.toDisable, disableDead(deps), log),
    startLoop(POLL.toNotify, notifyContacts({ ...deps, random, serviceName }), log),
  ];
  return {
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      // In parallel: closing the sender ends the requests that a slow endpoint delays.
      await waitForAll([queues.stop(), sender.close()]);
    },
  };
}

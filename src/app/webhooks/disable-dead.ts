import { DEAD_AFTER, type WebhookEndpoint } from '../../domain/webhooks.ts';
import { escapeHtml } from '../../lib/html.ts';
import { type Mailer, MailRejected } from '../../ports/delivery/mailer.ts';
import type { Log } from '../../ports/log.ts';
import type { UnnotifiedEndpoint, WebhookEndpoints } from '../../ports/stores/webhook-endpoints.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { reasonOf } from '../delivery/reason-of.ts';
import { stateChange, type UpdateDeps, updateEndpoint } from './update-endpoint.ts';

interface Deps extends UpdateDeps {
  readonly webhookEndpoints: Pick<
    WebhookEndpoints,
    'find' | 'list' | 'change' | 'listUnnotified' | 'markNotified'
  >;
  readonly mailer: Pick<Mailer, 'send'>;
  readonly serviceName: string;
  readonly telemetry: Pick<Telemetry, 'webhookDisabled'>;
  readonly log: Log;
}

/**
 * Disables the endpoints that have failed for too long, and notifies the contacts of endpoints that the service
 * disabled by mail. A mail that fails is tried again at the next call, with the same id, unless the mail server refuses
 * it permanently. Returns the number of endpoints that this call disabled.
 */
export const disableDead = (deps: Deps): (() => Promise<number>) => {
  const { webhookEndpoints, mailer, serviceName, telemetry, clock, log } = deps;
  return async () => {
    let count = 0;
    for (const endpoint of await webhookEndpoints.list())
      if (isDead(endpoint) && (await disable(endpoint.id))) count += 1;
    for (const endpoint of await webhookEndpoints.listUnnotified()) await notifyContact(endpoint);
    return count;
  };

  function isDead({ state, failingSince }: WebhookEndpoint): boolean {
    return state === 'enabled' && failingSince !== null && failingSince < clock() - DEAD_AFTER;
  }

  /** False if the endpoint was disabled or repaired in the meantime. */
  async function disable(id: string): Promise<boolean> {
    const { isChanged } = await updateEndpoint(deps, {
      read: () => webhookEndpoints.find(id),
      decide: (endpoint) =>
        isDead(endpoint)
          ? stateChange(endpoint, 'disabled', 'dead', 'Every delivery has failed for five days.')
          : {},
      origin: null,
      notifiesReceiver: true,
    });
    if (!isChanged) return false;
    telemetry.webhookDisabled('dead');
    log.warn({ endpointId: id }, 'webhook endpoint disabled: every delivery failed for five days');
    return true;
  }

  async function notifyContact(endpoint: UnnotifiedEndpoint): Promise<void> {
    try {
      await mailer.send({
        // A mail about a later failure has another id: mail systems drop mails whose id they know.
        id: `webhook-${endpoint.id}-${endpoint.because}-${endpoint.failingSince}`,
        to: endpoint.contact,
        ...mailTo(endpoint, serviceName),
      });
    } catch (error) {
      log.warn(
        { endpointId: endpoint.id, reason: reasonOf(error) },
        'contact of a disabled webhook endpoint not notified',
      );
      if (!(error instanceof MailRejected)) return;
    }
    await webhookEndpoints.markNotified(endpoint.id, clock());
  }
};

function mailTo({ id, url, because }: UnnotifiedEndpoint, serviceName: string) {
  const cause =
    because === 'gone' ? 'It answered 410 Gone.' : 'Every delivery to it has failed for five days.';
  const lines = [
    `${serviceName} no longer sends events to ${url}.`,
    cause,
    `Repair the endpoint, then ask an operator of ${serviceName} to enable it: its id is ${id}.`,
    'Events that occurred before it was disabled can be sent again for seven days.',
  ];
  return {
    subject: `Events to ${new URL(url).host} have stopped`,
    text: `${lines.join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="en">\n${lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n')}\n</html>\n`,
  };
}

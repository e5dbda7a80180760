import { MINUTE } from '../../domain/durations.ts';
import { escapeHtml } from '../../lib/html.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Mailer } from '../../ports/delivery/mailer.ts';
import type { Log } from '../../ports/log.ts';
import type { ClaimedNotification, WebhookEndpoints } from '../../ports/stores/webhook-endpoints.ts';
import { delayOfMail, isMailGivenUp } from '../delivery/mail-failure.ts';
import { reasonOf } from '../delivery/reason-of.ts';

interface Deps {
  readonly webhookEndpoints: Pick<
    WebhookEndpoints,
    'claimNotifications' | 'postponeNotification' | 'endNotification'
  >;
  readonly mailer: Pick<Mailer, 'send'>;
  readonly serviceName: string;
  readonly clock: Clock;
  /** Returns numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** All mails of a batch are sent at the same time. So a batch ends before its lease if each takes at most a minute. */
const BATCH = { limit: 5, lease: 5 * MINUTE };

/**
 * Sends one batch of mails to the contacts of endpoints that the service disabled. Returns the number of claimed mails.
 * A failed mail is retried with growing delays and the same id. It is given up if the mail server refuses it
 * permanently, or if it has failed for a day.
 */
export const notifyContacts = (deps: Deps): (() => Promise<number>) => {
  const { webhookEndpoints, mailer, serviceName, clock, random, log } = deps;
  return async () => {
    const now = clock();
    const claimed = await webhookEndpoints.claimNotifications(now, now + BATCH.lease, BATCH.limit);
    await Promise.all(claimed.map(notify));
    return claimed.length;
  };

  async function notify(claimed: ClaimedNotification): Promise<void> {
    try {
      await mailer.send({ id: mailIdOf(claimed), to: claimed.contact, ...mailTo(claimed, serviceName) });
    } catch (error) {
      await recordFailure(claimed, error);
      return;
    }
    await webhookEndpoints.endNotification(claimed, clock());
  }

  async function recordFailure(claimed: ClaimedNotification, error: unknown): Promise<void> {
    const { id, attempt, since } = claimed;
    const now = clock();
    const facts = { endpointId: id, attempt, reason: reasonOf(error) };
    if (isMailGivenUp(error, since, now)) {
      log.warn(facts, 'contact of a disabled webhook endpoint not notified; not trying again');
      await webhookEndpoints.endNotification(claimed, now);
      return;
    }
    const delay = delayOfMail(attempt, random);
    log.warn({ ...facts, delay }, 'contact of a disabled webhook endpoint not notified; trying again later');
    await webhookEndpoints.postponeNotification(claimed, now + delay);
  }
};

/** A mail about a later failure has another id: mail systems drop mails whose id they know. */
function mailIdOf({ id, because, failingSince }: ClaimedNotification): string {
  return `webhook-${id}-${because}-${failingSince}`;
}

function mailTo({ id, url, because }: ClaimedNotification, serviceName: string) {
  const cause =
    because === 'gone' ? 'It answered 410 Gone.' : 'Every delivery to it has failed for five days.';
  const lines = [
    `${serviceName} no longer sends events to ${url}.`,
    cause,
    `Repair the endpoint, then ask an operator of ${serviceName} to enable it: its id is ${id}.`,
    'An event that occurred before the endpoint was disabled can be sent again until it is seven days old.',
  ];
  return {
    subject: `Events to ${new URL(url).host} have stopped`,
    text: `${lines.join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="en">\n${lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n')}\n</html>\n`,
  };
}

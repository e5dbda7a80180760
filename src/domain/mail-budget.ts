import { HOUR } from './durations.ts';
import { type DomainEvent, isLinkMail } from './events.ts';

/**
 * The maximum numbers of mails to one recipient in any hour and in any day. Further mails wait for a digest. Digests do
 * not count. Mails that may not wait are sent nevertheless.
 */
export const MAIL_BUDGET = { perHour: 10, perDay: 30 };

/** When the mails beyond the budget are sent as one digest: at the next full hour (UTC), in milliseconds. */
export function nextDigestAt(now: number): number {
  return (Math.floor(now / HOUR) + 1) * HOUR;
}

/**
 * Whether a mail may wait for a digest. A mail with a link that the recipient needs may not wait: it has its own limit.
 * Otherwise a thief could fill the budget, and so hide the link that undoes a change of the address.
 */
export function mayWaitForDigest(event: DomainEvent): boolean {
  return !isLinkMail(event) && event.type !== 'users.email_change_announced';
}

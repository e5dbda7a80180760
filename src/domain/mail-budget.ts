import type { DomainEvent } from './events.ts';

const HOUR = 3_600_000;

/** How many mails one recipient gets in any hour and in any day, digests aside. */
export const MAIL_BUDGET = { perHour: 10, perDay: 30 };

/** When the mails that exceed the budget are sent together: at the next full hour (UTC). Milliseconds. */
export function nextDigestAt(now: number): number {
  return (Math.floor(now / HOUR) + 1) * HOUR;
}

/**
 * Whether a mail may wait for a digest. A mail with a link that the recipient asked for may not: it has a limit of its
 * own.
 */
export function mayWaitForDigest({ type }: DomainEvent): boolean {
  return type !== 'users.password_forgotten';
}

import { DAY, MINUTE } from '../../domain/durations.ts';
import { subjectOf } from '../../domain/events.ts';
import { MailRejected } from '../../ports/delivery/mailer.ts';
import type { ClaimedEntry } from '../../ports/stores/outbox.ts';
import { delayAfter } from './backoff.ts';
import type { DeliveryDeps } from './claim-due.ts';
import { reasonOf } from './reason-of.ts';

export interface MailFailureDeps extends DeliveryDeps {
  /** Returns numbers in [0, 1). */
  readonly random: () => number;
}

const BACKOFF = { first: 5_000, longest: 15 * MINUTE };

/** Whether a failed mail is not tried again: it was refused permanently, or is more than a day old. */
export function isMailGivenUp(error: unknown, since: number, now: number): boolean {
  return error instanceof MailRejected || now - since > DAY;
}

/** The milliseconds from a failed attempt to send a mail (1 is the first) to the next attempt. */
export function delayOfMail(attempt: number, random: () => number): number {
  return delayAfter(attempt, BACKOFF, random);
}

/**
 * Postpones a failed mail. The mails of a failed digest are postponed to the same time, so that they stay one digest.
 * Dead-letters each mail that was refused permanently or is more than a day old. Never rejects.
 */
export async function recordMailFailure(
  { outbox, clock, log, random, telemetry }: MailFailureDeps,
  entries: readonly ClaimedEntry[],
  error: unknown,
): Promise<void> {
  const now = clock();
  const reason = reasonOf(error);
  const delay = delayOfMail(Math.max(...entries.map(({ attempt }) => attempt)), random);
  const isFinal = ({ event }: ClaimedEntry) => isMailGivenUp(error, event.occurredAt, now);
  const dead = entries.filter(isFinal);
  const postponed = entries.filter((entry) => !isFinal(entry));
  for (const entry of dead) {
    telemetry.deliveryEnded('mail', 'dead_letter');
    log.warn({ ...mailFacts(entry), reason }, 'mail dead-lettered');
  }
  for (const entry of postponed) {
    telemetry.deliveryEnded('mail', 'postponed');
    log.warn({ ...mailFacts(entry), reason, delay }, 'mail not sent; trying again later');
  }
  try {
    for (const { id } of dead) await outbox.deadLetter(id, now, reason);
    if (postponed.length > 0)
      await outbox.postpone(postponed.map(({ id }) => ({ id, dueAt: now + delay, reason })));
  } catch (failure) {
    for (const entry of entries)
      log.warn({ ...mailFacts(entry), reason: reasonOf(failure) }, 'the failure of a mail was not recorded');
  }
}

/** Reports a mail that is dropped, because no address is known for it. */
export function reportUnaddressed(
  { log, telemetry }: Pick<MailFailureDeps, 'log' | 'telemetry'>,
  entry: ClaimedEntry,
): void {
  telemetry.deliveryEnded('mail', 'unaddressed');
  log.warn(mailFacts(entry), 'mail dropped: the account or login named no e-mail address');
}

/** Removes from the outbox the mails that were sent or dropped. Never rejects: a failure is logged for each mail. */
export async function removeHandledMails(
  {
    log,
    acknowledge,
  }: Pick<MailFailureDeps, 'log'> & {
    readonly acknowledge: (ids: readonly string[]) => Promise<void>;
  },
  entries: readonly ClaimedEntry[],
): Promise<void> {
  await acknowledge(entries.map(({ id }) => id)).catch((error: unknown) => {
    for (const entry of entries)
      log.warn({ ...mailFacts(entry), reason: reasonOf(error) }, 'mail handled, but still in the outbox');
  });
}

/** The log fields of a mail, without the address. */
export function mailFacts({ id, event, attempt }: ClaimedEntry) {
  return { mailId: id, type: event.type, ...subjectOf(event), attempt };
}

import { concernedBy } from '../../domain/events.ts';
import { type Mailer, MailRejected } from '../../ports/delivery/mailer.ts';
import type { ClaimedEntry } from '../../ports/stores/outbox.ts';
import type { Users } from '../../ports/stores/users.ts';
import { claimDue, type OutboxDeps } from './claim-due.ts';
import { letterAbout } from './letters/letter-about.ts';
import type { LinkTo } from './link-to.ts';
import { reasonOf } from './reason-of.ts';

export interface DeliverMailDeps extends OutboxDeps {
  readonly users: Pick<Users, 'find'>;
  readonly mailer: Mailer;
  /** Evenly from 0 up to 1. */
  readonly random: () => number;
  /** Who is written to about sessions that gave no address. */
  readonly receiver: string | null;
  /** Where the user can act on an event. */
  readonly linkTo: LinkTo;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Together they stay below the lease as long as a mail takes less than a minute. */
const BATCH = { limit: 20, lease: 5 * MINUTE };
const AT_ONCE = 5;

const FIRST_DELAY = 5_000;
const LONGEST_DELAY = 15 * MINUTE;

/** Milliseconds before each further try to settle a mail that was sent. */
const SETTLE_PAUSES = [50, 250, 1_000];

/**
 * Sends the mails that are due, one batch at each call, and answers how many it took up. A mail that fails is
 * tried again, ever more rarely; one that is refused for good, or still fails when it is a day old, is buried.
 * Rejects only if the outbox itself is at fault; one that cannot be reached counts as empty.
 */
export const deliverMail = (deps: DeliverMailDeps) => {
  const claim = claimDue(deps, 'mail', BATCH);
  const deliver = deliverOne(deps);

  return async (): Promise<number> => {
    const entries = await claim();
    const waiting = entries.values();
    const worker = async () => {
      for (const entry of waiting) await deliver(entry);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return entries.length;
  };
};

/** Never rejects: one mail does not hold up the others. */
const deliverOne = ({ outbox, users, mailer, clock, log, random, receiver, linkTo }: DeliverMailDeps) => {
  /** Sent, but still in the outbox: when such a mail comes back, it is only settled. */
  const sent = new Set<string>();

  return async (entry: ClaimedEntry): Promise<void> => {
    try {
      if (!sent.has(entry.id)) await send(entry);
    } catch (error) {
      await recordFailure(entry, error);
      return;
    }
    await settle(entry);
  };

  async function send(entry: ClaimedEntry): Promise<void> {
    // The registered address wins: whoever opens a session cannot choose where its owner is written to.
    const user = await users.find(entry.event.data.userId);
    const to = user?.email ?? entry.contact ?? receiver;
    if (to === null) {
      log.warn(namesOf(entry), 'nobody to write to about this event');
      return;
    }
    const letter = letterAbout(entry.event, linkTo(entry.event));
    if (letter === null) throw new Error(`Nothing is written about ${entry.event.type}.`);
    await mailer.send({ id: entry.id, to, ...letter });
    sent.add(entry.id);
    log.info(namesOf(entry), 'mail sent');
  }

  async function settle(entry: ClaimedEntry): Promise<void> {
    let failure: unknown;
    for (const pause of [0, ...SETTLE_PAUSES]) {
      if (pause > 0) await sleep(pause);
      try {
        await outbox.settle(entry.id);
        sent.delete(entry.id);
        return;
      } catch (error) {
        failure = error;
      }
    }
    log.warn({ ...namesOf(entry), reason: reasonOf(failure) }, 'mail done with, but still in the outbox');
  }

  async function recordFailure(entry: ClaimedEntry, error: unknown): Promise<void> {
    const now = clock();
    const reason = reasonOf(error);
    const hopeless = error instanceof MailRejected || now - entry.event.occurredAt > DAY;
    const delay = Math.round(random() * longestDelay(entry.attempt));
    if (hopeless) log.warn({ ...namesOf(entry), reason }, 'mail given up');
    else log.warn({ ...namesOf(entry), reason, delay }, 'mail not sent, to be tried again');
    try {
      if (hopeless) await outbox.bury(entry.id, now, reason);
      else await outbox.postpone(entry.id, now + delay, reason);
    } catch (failure) {
      log.warn({ ...namesOf(entry), reason: reasonOf(failure) }, 'the failure of a mail was not recorded');
    }
  }
};

/** The delay is drawn evenly below this, so that what failed together does not come back together. */
function longestDelay(attempt: number): number {
  return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1));
}

/** Whom and what a log line is about. The address stays out of it. */
function namesOf({ id, event, attempt }: ClaimedEntry) {
  return { mailId: id, type: event.type, ...concernedBy(event), attempt };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

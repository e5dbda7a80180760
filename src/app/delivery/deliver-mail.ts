import { concernedBy } from '../../domain/events.ts';
import { type Mailer, MailRejected } from '../../ports/delivery/mailer.ts';
import type { ClaimedEntry } from '../../ports/stores/outbox.ts';
import type { Users } from '../../ports/stores/users.ts';
import type { SpanStart, Tracing } from '../../ports/tracing.ts';
import { traced } from '../traced.ts';
import { delayAfter } from './backoff.ts';
import { claimDue, type DeliveryDeps } from './claim-due.ts';
import { letterAbout } from './letters/letter-about.ts';
import type { LinkTo } from './link-to.ts';
import { reasonOf } from './reason-of.ts';
import { settling } from './settle.ts';

export interface DeliverMailDeps extends DeliveryDeps {
  readonly users: Pick<Users, 'find'>;
  readonly mailer: Mailer;
  /** Evenly from 0 up to 1. */
  readonly random: () => number;
  /** Who is written to about sessions that gave no address. */
  readonly receiver: string | null;
  /** Where the user can act on an event. */
  readonly linkTo: LinkTo;
  readonly tracing: Tracing | null;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Together they stay below the lease as long as a mail takes less than a minute. */
const BATCH = { limit: 20, lease: 5 * MINUTE };
const AT_ONCE = 5;

const BACKOFF = { first: 5_000, longest: 15 * MINUTE };

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
const deliverOne = (deps: DeliverMailDeps) => {
  const { outbox, users, mailer, clock, log, random, receiver, linkTo, tracing, telemetry } = deps;
  const { wasDelivered, settle } = settling(deps);

  return async (entry: ClaimedEntry): Promise<void> => {
    try {
      if (!wasDelivered(entry.id)) await traced(tracing, spanOf(entry), () => send(entry));
    } catch (error) {
      await recordFailure(entry, error);
      return;
    }
    await settle([entry.id]).catch((error: unknown) => {
      log.warn({ ...namesOf(entry), reason: reasonOf(error) }, 'mail done with, but still in the outbox');
    });
  };

  async function send(entry: ClaimedEntry): Promise<void> {
    // The registered address wins: whoever opens a session cannot choose where its owner is written to.
    const user = await users.find(entry.event.data.userId);
    const to = user?.email ?? entry.contact ?? receiver;
    if (to === null) {
      telemetry.delivered('mail', 'unaddressed');
      log.warn(namesOf(entry), 'nobody to write to about this event');
      return;
    }
    const letter = letterAbout(entry.event, linkTo(entry.event));
    if (letter === null) throw new Error(`Nothing is written about ${entry.event.type}.`);
    await mailer.send({ id: entry.id, to, ...letter });
    telemetry.delivered('mail', 'sent');
    log.info(namesOf(entry), 'mail sent');
  }

  async function recordFailure(entry: ClaimedEntry, error: unknown): Promise<void> {
    const now = clock();
    const reason = reasonOf(error);
    const hopeless = error instanceof MailRejected || now - entry.event.occurredAt > DAY;
    const delay = delayAfter(entry.attempt, BACKOFF, random);
    telemetry.delivered('mail', hopeless ? 'buried' : 'postponed');
    if (hopeless) log.warn({ ...namesOf(entry), reason }, 'mail given up');
    else log.warn({ ...namesOf(entry), reason, delay }, 'mail not sent, to be tried again');
    try {
      if (hopeless) await outbox.bury(entry.id, now, reason);
      else await outbox.postpone([{ id: entry.id, dueAt: now + delay, reason }]);
    } catch (failure) {
      log.warn({ ...namesOf(entry), reason: reasonOf(failure) }, 'the failure of a mail was not recorded');
    }
  }
};

function spanOf({ event, trace }: ClaimedEntry): SpanStart {
  return { name: `mail ${event.type}`, kind: 'producer', parent: trace };
}

/** Whom and what a log line is about. The address stays out of it. */
function namesOf({ id, event, attempt }: ClaimedEntry) {
  return { mailId: id, type: event.type, ...concernedBy(event), attempt };
}

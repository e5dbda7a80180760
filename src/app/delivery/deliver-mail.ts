import { MINUTE } from '../../domain/durations.ts';
import { mayWaitForDigest, nextDigestAt } from '../../domain/mail-budget.ts';
import type { Mailer } from '../../ports/delivery/mailer.ts';
import type { MailBudget } from '../../ports/stores/mail-budget.ts';
import type { ClaimedEntry } from '../../ports/stores/outbox.ts';
import type { SpanStart, Tracing } from '../../ports/tracing.ts';
import { withSpan } from '../with-span.ts';
import { createAcknowledger } from './acknowledger.ts';
import { claimDue } from './claim-due.ts';
import type { LinkTo } from './link-to.ts';
import {
  type MailFailureDeps,
  mailFacts,
  recordMailFailure,
  removeHandledMails,
  reportUnaddressed,
} from './mail-failure.ts';
import { findMailRecipient, type MailRecipient, type RecipientDeps } from './mail-recipient.ts';
import type { DescribeDevice } from './mails/facts.ts';
import { renderMail } from './mails/render-mail.ts';

export interface DeliverMailDeps extends MailFailureDeps, RecipientDeps {
  readonly mailer: Mailer;
  readonly budget: MailBudget;
  /** The page for the user's reaction to an event. */
  readonly linkTo: LinkTo;
  /** The name of the service in mails. */
  readonly serviceName: string;
  readonly describeDevice: DescribeDevice;
  readonly tracing: Tracing | null;
}

/** Five mails are sent at a time. So a batch ends before its lease if each mail takes at most a minute. */
const BATCH = { limit: 20, lease: 5 * MINUTE };
const AT_ONCE = 5;

/**
 * Sends one batch of due mails at each call, and returns the number of claimed mails. A mail that exceeds the
 * recipient's budget, and may wait, is held for a digest (see {@link deliverDigests}). A failed mail is retried with
 * growing delays. A mail that is refused permanently, or still fails after a day, is dead-lettered. Rejects only on a
 * fault in the outbox; an unavailable database counts as an empty outbox.
 */
export const deliverMail = (deps: DeliverMailDeps) => {
  const claim = claimDue(deps, 'mail', BATCH);
  const deliver = deliverOne(deps);

  return async (): Promise<number> => {
    const entries = (await claim()) ?? [];
    const waiting = entries.values();
    const worker = async () => {
      for (const entry of waiting) await deliver(entry);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return entries.length;
  };
};

/** Never rejects, so that one mail does not stop the others. */
const deliverOne = (deps: DeliverMailDeps) => {
  const { mailer, budget, clock, log, linkTo, serviceName, describeDevice, tracing, telemetry } = deps;
  const { wasDelivered, acknowledge } = createAcknowledger(deps);

  return async (entry: ClaimedEntry): Promise<void> => {
    try {
      if (!wasDelivered(entry.id)) {
        const isDone = await withSpan(tracing, spanOf(entry), () => sendOrHold(entry));
        if (!isDone) return;
      }
    } catch (error) {
      await recordMailFailure(deps, [entry], error);
      return;
    }
    await removeHandledMails({ log, acknowledge }, [entry]);
  };

  /** False if the mail is held for a digest. */
  async function sendOrHold(entry: ClaimedEntry): Promise<boolean> {
    const recipient = await findMailRecipient(deps, entry);
    if (recipient === null) {
      reportUnaddressed(deps, entry);
      return true;
    }
    if (!(await takeFromBudget(entry, recipient))) {
      const until = nextDigestAt(clock());
      await budget.hold(entry.id, recipient.budgetKey, until);
      telemetry.deliveryEnded('mail', 'held');
      log.info({ ...mailFacts(entry), until }, 'mail held for a digest: the mail budget is used up');
      return false;
    }
    const link = linkTo(entry.event);
    const context = { serviceName, describeDevice, ...recipient.account, link };
    const content = renderMail(entry.event, context);
    if (content === null) throw new Error(`There is no mail about ${entry.event.type}.`);
    await mailer.send({ id: entry.id, to: recipient.to, ...content });
    telemetry.deliveryEnded('mail', 'sent');
    log.info(mailFacts(entry), 'mail sent');
    return true;
  }

  /** A mail that may not wait is sent even if the budget is used up. */
  async function takeFromBudget({ id, event }: ClaimedEntry, recipient: MailRecipient): Promise<boolean> {
    const isCounted = await budget.take(id, recipient.budgetKey, clock());
    return isCounted || !mayWaitForDigest(event);
  }
};

function spanOf({ event, trace }: ClaimedEntry): SpanStart {
  return { name: `mail ${event.type}`, kind: 'producer', parent: trace };
}

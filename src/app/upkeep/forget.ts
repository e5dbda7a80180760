import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MailBudget } from '../../ports/stores/mail-budget.ts';
import type { Outbox } from '../../ports/stores/outbox.ts';
import type { Users } from '../../ports/stores/users.ts';

interface ForgetDeps {
  readonly outbox: Pick<Outbox, 'forget'>;
  readonly users: Pick<Users, 'forgetResets'>;
  readonly mailBudget: Pick<MailBudget, 'forget'>;
  readonly clock: Clock;
  readonly log: Log;
}

const DAY = 86_400_000;

/** How long a mail is kept for the operator to look into: by then it was sent or buried long ago. */
const MAIL_KEPT = 30 * DAY;

/** And a link that has expired: no clock is so far behind that it would still be good. */
const RESET_KEPT = DAY;

/** And the count of the mails to a recipient: a budget looks back for a day. */
const BUDGET_KEPT = 2 * DAY;

/** Removes mails, links and counts that are past use, and answers how many. */
export const forgetOld = ({ outbox, users, mailBudget, clock, log }: ForgetDeps) => {
  return async (): Promise<number> => {
    const now = clock();
    const mails = await outbox.forget('mail', now - MAIL_KEPT);
    const links = await users.forgetResets(now - RESET_KEPT);
    const budgets = await mailBudget.forget(now - BUDGET_KEPT);
    const removed = { mails, links, budgets };
    const count = mails + links + budgets;
    if (count > 0) log.info(removed, 'old mails, expired links and old counts of mails removed');
    return count;
  };
};

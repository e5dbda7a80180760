import type { Clock } from '../../ports/clock.ts';
import type { MailBudget } from '../../ports/stores/mail-budget.ts';
import type { Outbox } from '../../ports/stores/outbox.ts';
import type { Users } from '../../ports/stores/users.ts';
import { REMOVED_AT_ONCE, type RemovalDeps, removeInTurns } from './remove-in-turns.ts';

interface MailDeps extends RemovalDeps {
  readonly outbox: Pick<Outbox, 'forget'>;
  readonly clock: Clock;
}

interface LinkDeps extends RemovalDeps {
  readonly users: Pick<Users, 'forgetResets'>;
  readonly clock: Clock;
}

interface MailBudgetDeps extends RemovalDeps {
  readonly mailBudget: Pick<MailBudget, 'forget'>;
  readonly clock: Clock;
}

const DAY = 86_400_000;

/** How long a mail is kept for the operator to look into: by then it was sent or buried long ago. */
const MAIL_KEPT = 30 * DAY;

/** And a link that has expired: no clock is so far behind that it would still be good. */
const RESET_KEPT = DAY;

/** And the counts of the mails to a recipient: a budget looks back for a day. */
const BUDGET_KEPT = 2 * DAY;

/** Removes a batch of old mails at each call, and answers how many. */
export const forgetMails = (deps: MailDeps) =>
  removeInTurns(deps, {
    removal: 'mails',
    remove: () => deps.outbox.forget('mail', deps.clock() - MAIL_KEPT, REMOVED_AT_ONCE),
    done: 'old mails removed',
  });

/** Removes a batch of expired links at each call, and answers how many. */
export const forgetLinks = (deps: LinkDeps) =>
  removeInTurns(deps, {
    removal: 'links',
    remove: () => deps.users.forgetResets(deps.clock() - RESET_KEPT, REMOVED_AT_ONCE),
    done: 'expired links removed',
  });

/** Removes a batch of old counts of mails at each call, and answers how many. */
export const forgetMailBudgets = (deps: MailBudgetDeps) =>
  removeInTurns(deps, {
    removal: 'mail_budgets',
    remove: () => deps.mailBudget.forget(deps.clock() - BUDGET_KEPT, REMOVED_AT_ONCE),
    done: 'old counts of mails removed',
  });

import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Outbox } from '../../ports/stores/outbox.ts';
import type { Users } from '../../ports/stores/users.ts';

interface ForgetDeps {
  readonly outbox: Pick<Outbox, 'forget'>;
  readonly users: Pick<Users, 'forgetResets'>;
  readonly clock: Clock;
  readonly log: Log;
}

const DAY = 86_400_000;

/** How long a mail is kept for the operator to look into: by then it was sent or buried long ago. */
const MAIL_KEPT = 30 * DAY;

/** And a link that has expired: no clock is so far behind that it would still be good. */
const RESET_KEPT = DAY;

/** Removes mails and links that are past use, and answers how many. */
export const forgetOld = ({ outbox, users, clock, log }: ForgetDeps) => {
  return async (): Promise<number> => {
    const now = clock();
    const mails = await outbox.forget('mail', now - MAIL_KEPT);
    const links = await users.forgetResets(now - RESET_KEPT);
    if (mails + links > 0) log.info({ mails, links }, 'old mails and expired links removed');
    return mails + links;
  };
};

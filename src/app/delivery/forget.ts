import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { OutboxDeps } from './claim-due.ts';

const DAY = 86_400_000;

/** How long a mail is kept for the operator to look into: by then it was sent or buried long ago. */
const KEPT = 30 * DAY;

/** Removes mails that are past use from the outbox, and answers how many. */
export const forgetOld = ({ outbox, clock, log }: OutboxDeps) => {
  return async (): Promise<number> => {
    try {
      const count = await outbox.forget('mail', clock() - KEPT);
      if (count > 0) log.info({ count }, 'old mails removed from the outbox');
      return count;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.warn({ err: error }, 'the outbox cannot be reached, old mails stay for now');
      return 0;
    }
  };
};

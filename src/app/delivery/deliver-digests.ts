import { MINUTE } from '../../domain/durations.ts';
import type { ClaimedEntry } from '../../ports/stores/outbox.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { createAcknowledger } from './acknowledger.ts';
import type { DeliverMailDeps } from './deliver-mail.ts';
import { mailFacts, recordMailFailure, removeHandledMails, reportUnaddressed } from './mail-failure.ts';
import { findMailRecipient, type MailRecipient } from './mail-recipient.ts';
import { renderDigest } from './mails/render-digest.ts';

const LEASE = 5 * MINUTE;

type HeldMail = ClaimedEntry & Pick<MailRecipient, 'account'>;

/** The maximum number of mails in one digest. */
const LIMIT = 1_000;

/**
 * Sends the mails that are held for one recipient as one digest. If addresses have changed meanwhile, each address gets
 * its own digest. Returns the number of claimed mails. A failed digest is retried and dead-lettered like a single mail.
 * If the database is unavailable at the claim, the outbox counts as empty.
 */
export const deliverDigests = (deps: DeliverMailDeps) => {
  const { budget, mailer, clock, log, linkTo, serviceName, describeDevice, telemetry } = deps;
  const { wasDelivered, acknowledge } = createAcknowledger(deps);

  return async (): Promise<number> => {
    const entries = await claim();
    for (const [to, held] of await byAddress(entries)) await deliver(to, held);
    return entries.length;
  };

  async function claim(): Promise<readonly ClaimedEntry[]> {
    const now = clock();
    try {
      return await budget.claimDigest(now, now + LEASE, LIMIT);
    } catch (error) {
      // The loop for single mails logs the outage.
      if (error instanceof StoreUnavailable) return [];
      throw error;
    }
  }

  /**
   * Groups the mails by the current address, which may have changed since they were held. A mail whose recipient cannot
   * be found does not stop the others.
   */
  async function byAddress(entries: readonly ClaimedEntry[]): Promise<Map<string, HeldMail[]>> {
    const groups = new Map<string, HeldMail[]>();
    for (const entry of entries) {
      try {
        const recipient = await findMailRecipient(deps, entry);
        if (recipient === null) await drop(entry);
        else
          groups.set(recipient.to, [
            ...(groups.get(recipient.to) ?? []),
            { ...entry, account: recipient.account },
          ]);
      } catch (error) {
        await recordMailFailure(deps, [entry], error);
      }
    }
    return groups;
  }

  async function drop(entry: ClaimedEntry): Promise<void> {
    reportUnaddressed(deps, entry);
    await removeHandledMails({ log, acknowledge }, [entry]);
  }

  async function deliver(to: string, held: readonly HeldMail[]): Promise<void> {
    const unsent = held.filter(({ id }) => !wasDelivered(id));
    const [first] = unsent;
    try {
      if (first !== undefined) {
        const items = unsent.map(({ event, account }) => ({
          event,
          context: { serviceName, describeDevice, ...account, link: linkTo(event) },
        }));
        const mail = renderDigest(serviceName, items);
        // Mail systems drop a mail whose id they know. So the digest has the id of a mail that was not sent yet.
        await mailer.send({ id: first.id, to, ...mail });
        telemetry.deliveryEnded('mail', 'sent');
        log.info({ ...mailFacts(first), mails: unsent.length }, 'digest sent');
      }
    } catch (error) {
      await recordMailFailure(deps, held, error);
      return;
    }
    await removeHandledMails({ log, acknowledge }, held);
  }
};

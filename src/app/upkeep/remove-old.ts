import { DAY, MINUTE } from '../../domain/durations.ts';
import { DEVICE_KNOWN_FOR } from '../../domain/policy.ts';
import { DELIVERIES_KEPT } from '../../domain/webhooks.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EmailChanges } from '../../ports/stores/email-changes.ts';
import type { EmailLinks } from '../../ports/stores/email-links.ts';
import type { MailBudget } from '../../ports/stores/mail-budget.ts';
import type { Outbox } from '../../ports/stores/outbox.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import type { Users } from '../../ports/stores/users.ts';
import type { WebhookDeliveries } from '../../ports/stores/webhook-deliveries.ts';
import { createRemoval, REMOVAL_BATCH, type RemovalDeps } from './removal.ts';

interface MailDeps extends RemovalDeps {
  readonly outbox: Pick<Outbox, 'forget'>;
  readonly clock: Clock;
}

interface LinkDeps extends RemovalDeps {
  readonly users: Pick<Users, 'forgetResets'>;
  readonly emailLinks: Pick<EmailLinks, 'forget'>;
  readonly emailChanges: Pick<EmailChanges, 'forgetReservations'>;
  readonly clock: Clock;
}

interface DeviceDeps extends RemovalDeps {
  readonly families: Pick<TokenFamilies, 'forgetDevices'>;
  readonly clock: Clock;
}

interface ChallengeDeps extends RemovalDeps {
  readonly secondFactors: Pick<SecondFactors, 'forgetChallenges'>;
  readonly clock: Clock;
}

interface MailBudgetDeps extends RemovalDeps {
  readonly mailBudget: Pick<MailBudget, 'forget'>;
  readonly clock: Clock;
}

interface DeliveryDeps extends RemovalDeps {
  readonly webhookDeliveries: Pick<WebhookDeliveries, 'forget'>;
  readonly clock: Clock;
}

/** How long a dead-lettered mail is kept for the operator. Every other mail is sent long before this age. */
const MAIL_KEPT = 30 * DAY;

/** How long an expired link is kept. The time is longer than any clock skew. */
const LINK_KEPT = DAY;

/**
 * How long an expired challenge is kept. The clocks of replicas must differ by less: otherwise a used challenge could
 * be used again.
 */
const CHALLENGE_KEPT = 5 * MINUTE;

/** How long the counts of mails are kept. It is longer than the day that a budget covers. */
const BUDGET_KEPT = 2 * DAY;

/** Removes one batch of old mails at each call, and returns its size. */
export const removeOldMails = (deps: MailDeps) =>
  createRemoval(deps, {
    removal: 'mails',
    remove: () => deps.outbox.forget('mail', deps.clock() - MAIL_KEPT, REMOVAL_BATCH),
    done: 'old mails removed',
  });

/**
 * Removes one batch of expired links of each kind, and of reserved addresses, at each call, and returns their number.
 */
export const removeExpiredLinks = (deps: LinkDeps) =>
  createRemoval(deps, {
    removal: 'links',
    async remove() {
      const before = deps.clock() - LINK_KEPT;
      const resets = await deps.users.forgetResets(before, REMOVAL_BATCH);
      const links = await deps.emailLinks.forget(before, REMOVAL_BATCH);
      const reservations = await deps.emailChanges.forgetReservations(before, REMOVAL_BATCH);
      return resets + links + reservations;
    },
    done: 'expired links removed',
  });

/** Removes one batch of old counts of mails at each call, and returns its size. */
export const removeOldMailBudgets = (deps: MailBudgetDeps) =>
  createRemoval(deps, {
    removal: 'mail_budgets',
    remove: () => deps.mailBudget.forget(deps.clock() - BUDGET_KEPT, REMOVAL_BATCH),
    done: 'old counts of mails removed',
  });

/**
 * Removes one batch of old devices at each call, and returns its size. An old device is a pair of network and product
 * that is no longer known.
 */
export const removeOldDevices = (deps: DeviceDeps) =>
  createRemoval(deps, {
    removal: 'devices',
    remove: () => deps.families.forgetDevices(deps.clock() - DEVICE_KNOWN_FOR - DAY, REMOVAL_BATCH),
    done: 'old devices removed',
  });

/** Removes one batch of answered challenges at each call, and returns its size. */
export const removeAnsweredChallenges = (deps: ChallengeDeps) =>
  createRemoval(deps, {
    removal: 'login_challenges',
    remove: () => deps.secondFactors.forgetChallenges(deps.clock() - CHALLENGE_KEPT, REMOVAL_BATCH),
    done: 'answered challenges removed',
  });

/** Removes one batch of old deliveries of webhooks at each call, and returns its size. */
export const removeOldDeliveries = (deps: DeliveryDeps) =>
  createRemoval(deps, {
    removal: 'webhook_deliveries',
    remove: () => deps.webhookDeliveries.forget(deps.clock() - DELIVERIES_KEPT, REMOVAL_BATCH),
    done: 'old deliveries of webhooks removed',
  });

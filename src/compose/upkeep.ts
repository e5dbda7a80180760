import type { Logger } from '../adapters/telemetry/log.ts';
import { moveFailedPasswordCounts } from '../app/audit/move-failed-password-counts.ts';
import { removeOldAuditEvents } from '../app/audit/purge-sealed.ts';
import { sealEvents } from '../app/audit/seal-events.ts';
import { BUSY_DELAY, createPurge, type Vacuum } from '../app/upkeep/purge.ts';
import type { RemovalDeps } from '../app/upkeep/removal.ts';
import {
  removeAnsweredChallenges,
  removeExpiredLinks,
  removeOldDeliveries,
  removeOldDevices,
  removeOldMailBudgets,
  removeOldMails,
} from '../app/upkeep/remove-old.ts';
import { HOUR, MINUTE } from '../domain/durations.ts';
import type { Policy } from '../domain/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { SealMacs } from '../ports/security/seal-macs.ts';
import type { AuditLog } from '../ports/stores/audit-log.ts';
import type { AuditSeals } from '../ports/stores/audit-seals.ts';
import type { EmailChanges } from '../ports/stores/email-changes.ts';
import type { EmailLinks } from '../ports/stores/email-links.ts';
import type { MailBudget } from '../ports/stores/mail-budget.ts';
import type { Outbox } from '../ports/stores/outbox.ts';
import type { SecondFactors } from '../ports/stores/second-factors.ts';
import type { TokenFamilies } from '../ports/stores/token-families.ts';
import type { Users } from '../ports/stores/users.ts';
import type { WebhookDeliveries } from '../ports/stores/webhook-deliveries.ts';
import { type Background, startLoop } from './loop.ts';

/** Milliseconds between two rounds of sealing. An event is sealed within this time and the time of one round. */
const SEAL_PAUSE = 10_000;

/** Starts to seal audit events, and to remove rows whose retention time is over. */
export function startUpkeep(deps: {
  readonly families: TokenFamilies;
  readonly vacuum: Vacuum | null;
  readonly outbox: Outbox;
  readonly mailBudget: MailBudget;
  readonly users: Users;
  readonly emailLinks: EmailLinks;
  readonly emailChanges: EmailChanges;
  readonly secondFactors: SecondFactors;
  readonly auditLog: AuditLog;
  readonly auditSeals: AuditSeals;
  readonly sealMacs: SealMacs;
  readonly auditRetention: number;
  readonly webhookDeliveries: WebhookDeliveries;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: RemovalDeps['telemetry'];
}): Background {
  const repeat = (pause: number, task: () => Promise<number>) =>
    startLoop(pause, task, deps.log, { busyDelay: BUSY_DELAY });
  const loops = [
    repeat(HOUR, removeOldMails(deps)),
    repeat(HOUR, removeOldMailBudgets(deps)),
    repeat(HOUR, removeOldDevices(deps)),
    repeat(5 * MINUTE, removeAnsweredChallenges(deps)),
    repeat(HOUR, removeExpiredLinks(deps)),
    repeat(HOUR, removeOldDeliveries(deps)),
    repeat(HOUR, createPurge(deps)),
    repeat(HOUR, removeOldAuditEvents(deps)),
    repeat(SEAL_PAUSE, moveFailedPasswordCounts(deps)),
    repeat(SEAL_PAUSE, sealEvents(deps)),
  ];
  return {
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

import { MAIL_BUDGET } from '../../../src/domain/mail-budget.ts';
import { countAction } from '../../../src/domain/rate-limit.ts';
import type { MailBudget } from '../../../src/ports/stores/mail-budget.ts';
import { claimEach, type StoredEntry } from './stored-entry.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Mail budgets in memory. `entries` is the outbox, in which held mails stay. */
export function createMemoryMailBudget(entries: Map<string, StoredEntry>): MailBudget {
  const sent = new Map<string, readonly number[]>();

  return {
    async take(id, recipient, now) {
      const entry = entries.get(id);
      if (entry === undefined || entry.isCounted) return entry !== undefined;
      const times = sent.get(recipient) ?? [];
      const inHour = countAction(times, { count: MAIL_BUDGET.perHour, perMilliseconds: HOUR }, now);
      const inDay = countAction(times, { count: MAIL_BUDGET.perDay, perMilliseconds: DAY }, now);
      if (!inHour.verdict.allowed || !inDay.verdict.allowed) return false;
      sent.set(recipient, inDay.times);
      entry.isCounted = true;
      return true;
    },

    async hold(id, recipient, until) {
      const entry = entries.get(id);
      if (entry !== undefined) Object.assign(entry, { heldFor: recipient, dueAt: until });
    },

    async claimDigest(now, leasedUntil, limit) {
      const due = [...entries.values()].filter(
        ({ heldFor, deadLettered, dueAt }) => heldFor !== undefined && !deadLettered && dueAt <= now,
      );
      const ofRecipient = due
        .filter(({ heldFor }) => heldFor === due[0]?.heldFor)
        .sort((one, other) => one.event.occurredAt - other.event.occurredAt);
      return claimEach(ofRecipient.slice(0, limit), leasedUntil);
    },

    async forget(before, limit) {
      const held = new Set([...entries.values()].map(({ heldFor }) => heldFor));
      const old = [...sent].filter(
        ([recipient, times]) => (times.at(-1) ?? 0) < before && !held.has(recipient),
      );
      const removed = old.slice(0, limit);
      for (const [recipient] of removed) sent.delete(recipient);
      return removed.length;
    },
  };
}

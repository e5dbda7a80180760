import { waitAtMost } from '../../../lib/time.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Backlog, Outbox } from '../../../ports/stores/outbox.ts';
import type { Instruments } from './instruments.ts';

/** Milliseconds for which an answer is good, however many scrapers there are. */
const KEPT = 5_000;

/** Milliseconds that a scrape waits for the database. */
const PATIENCE = 1_000;

/**
 * What waits in the outbox, asked from the database; answers how to ask anew, which never fails. While the database
 * does not answer in time these gauges are absent, rather than wrong, and the one that tells of it says 0.
 */
export function readBacklog(
  { gauge }: Instruments,
  { outbox, clock }: { readonly outbox: Pick<Outbox, 'backlog'>; readonly clock: Clock },
): () => Promise<void> {
  const up = gauge('kinship_database_up', 'Whether the database answered the last question of a scrape.');
  const waiting = gauge('kinship_outbox_entries', 'Entries that wait to be delivered.', 'kind');
  const age = gauge('kinship_outbox_oldest_entry_age_seconds', 'Age of the oldest of them.', 'kind');
  const postponed = gauge(
    'kinship_outbox_postponed_entries',
    'Entries that are not tried again within the hour.',
    'kind',
  );
  let askedAt = Number.NEGATIVE_INFINITY;
  let answer: Promise<() => void> = Promise.resolve(showNothing);

  return async () => {
    if (performance.now() - askedAt > KEPT) {
      askedAt = performance.now();
      answer = ask();
    }
    const show = (await waitAtMost(PATIENCE, answer)) ?? showNothing;
    show();
  };

  async function ask(): Promise<() => void> {
    try {
      const now = clock();
      const backlogs = await outbox.backlog(now);
      return () => showAll(backlogs, now);
    } catch {
      return showNothing;
    }
  }

  function showAll(backlogs: readonly Backlog[], now: number): void {
    up.set(1);
    for (const { kind, count, oldestAt, postponed: later } of backlogs) {
      waiting.set({ kind }, count);
      postponed.set({ kind }, later);
      age.set({ kind }, oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1000);
    }
  }

  function showNothing(): void {
    up.set(0);
    waiting.reset();
    postponed.reset();
    age.reset();
  }
}

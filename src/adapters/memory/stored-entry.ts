import type { OutboxEntry } from '../../ports/stores/outbox.ts';

/** An entry of the outbox in memory. */
export interface StoredEntry extends OutboxEntry {
  readonly contact: string | null;
  attempts: number;
  dueAt: number;
  buried: boolean;
}

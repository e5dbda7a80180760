import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';

/** What is known of abandoned work. Null: its pool will reject it within a second. */
type AbandonOutcome = 'nothing' | 'pending' | null;

/** How to abandon a statement or a transaction, by its promise. */
const handlers = new WeakMap<object, () => AbandonOutcome>();

/** Sets how to abandon the statement or the transaction with this promise. */
export function onAbandon(work: object, handler: () => AbandonOutcome): void {
  handlers.set(work, handler);
}

/** Abandons a statement or a transaction that was sent. */
export function abandon(work: object): AbandonOutcome {
  const handler = handlers.get(work);
  return handler === undefined ? 'pending' : handler();
}

/**
 * Wraps the work of a transaction, which is rolled back if it is abandoned before its commit was sent. Otherwise a
 * transaction that waited for a connection would begin later and take effect.
 */
export function createAbortableWork<Tx, T>(work: (tx: Tx) => Promise<T>) {
  let isAbandoned = false;
  let isCommitting = false;
  return {
    async run(tx: Tx): Promise<T> {
      assertNotAbandoned();
      const result = await work(tx);
      assertNotAbandoned();
      isCommitting = true;
      return result;
    },
    abandon(): AbandonOutcome {
      if (isCommitting) return 'pending';
      isAbandoned = true;
      return 'nothing';
    },
  };

  function assertNotAbandoned(): void {
    if (isAbandoned)
      throw new StoreUnavailable(
        'nothing',
        new Error('The transaction exceeded its deadline and was rolled back.'),
      );
  }
}

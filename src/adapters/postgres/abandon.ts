import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';

/**
 * The known effect of abandoned work, as in `WriteOutcome`. Null: the pool rejects the work, at the latest when
 * its connections are closed.
 */
type AbandonOutcome = 'nothing' | 'pending' | null;

/** The functions that abandon statements and transactions, by their promises. */
const handlers = new WeakMap<object, () => AbandonOutcome>();

/** Sets the function that abandons the statement or the transaction with this promise. */
export function onAbandon(work: object, handler: () => AbandonOutcome): void {
  handlers.set(work, handler);
}

/** Abandons a statement that was sent, or a transaction. */
export function abandon(work: object): AbandonOutcome {
  const handler = handlers.get(work);
  return handler === undefined ? 'pending' : handler();
}

/**
 * Wraps the work of a transaction. The transaction is rolled back if it is abandoned before its commit was sent.
 * Otherwise a transaction that waits for a connection could begin later and take effect.
 */
export function createAbandonableWork<Tx, T>(work: (tx: Tx) => Promise<T>) {
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

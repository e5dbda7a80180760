import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';

/** What is known of a statement that is no longer waited for; null: its pool rejects it within a second. */
type Fate = 'nothing' | 'pending' | null;

/** How to give up a statement or a transaction, by its promise. */
const ways = new WeakMap<object, () => Fate>();

/** Says how to give up the statement or the transaction with this promise. */
export function onGiveUp(answer: object, giveUp: () => Fate): void {
  ways.set(answer, giveUp);
}

/** Gives up a statement or a transaction that was sent. */
export function giveUp(answer: object): Fate {
  const way = ways.get(answer);
  return way === undefined ? 'pending' : way();
}

/**
 * Makes a transaction that is rolled back when it is given up before its commit was sent. Without that, one that
 * waited for a connection would begin later and take effect.
 */
export function createRevocableWork<Tx, T>(work: (tx: Tx) => Promise<T>) {
  let isGivenUp = false;
  let isCommitting = false;
  return {
    async run(tx: Tx): Promise<T> {
      assertWanted();
      const result = await work(tx);
      assertWanted();
      isCommitting = true;
      return result;
    },
    giveUp(): Fate {
      if (isCommitting) return 'pending';
      isGivenUp = true;
      return 'nothing';
    },
  };

  function assertWanted(): void {
    if (isGivenUp) throw new StoreUnavailable('nothing', new Error('The transaction was given up.'));
  }
}

import { createOutage } from '../lib/outage.ts';

/** Functions that log an outage. Each is called once for each outage. */
interface OutageLog {
  begun(error: unknown): void;
  ended(): void;
}

/**
 * An outage of a store that has a fallback. During the outage no call waits for the store. One probe at a time runs in
 * the background. The first successful probe ends the outage.
 */
export function createProbedOutage({ begun, ended }: OutageLog) {
  const outage = createOutage();
  let isProbing = false;

  return {
    isOngoing: () => outage.isOngoing(),
    begin: (error: unknown) => outage.begin(() => begun(error)),

    /** Starts a call to the store, unless one is running. */
    probe(call: () => Promise<unknown>): void {
      if (isProbing) return;
      isProbing = true;
      void call()
        .then(() => outage.end(ended))
        .catch(() => {}) // the outage continues; its start was logged
        .finally(() => {
          isProbing = false;
        });
    },
  };
}

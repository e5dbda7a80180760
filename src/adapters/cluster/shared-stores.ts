import { withDeadline } from '../../lib/time.ts';
import type { Cache } from '../../ports/cache.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { type UsedDpopProofs, UsedDpopProofsFull } from '../../ports/stores/used-dpop-proofs.ts';
import type { Call, Handlers } from './calls.ts';

/** The stores that all workers share. With separate counts, a limit of 5 would allow 5 attempts in each worker. */
export interface SharedStores {
  readonly attempts: Attempts;
  readonly proofAttempts: Attempts;
  readonly usedProofs: UsedDpopProofs;
  readonly cache: Cache;
}

/** Serves the stores of this process to one worker. */
export function serveStores({ attempts, proofAttempts, usedProofs, cache }: SharedStores): Handlers {
  return {
    ...serveAttempts('attempts', attempts),
    ...serveAttempts('proofAttempts', proofAttempts),
    'usedProofs.use': (...use: Parameters<UsedDpopProofs['use']>) =>
      usedProofs.use(...use).catch((error: unknown) => {
        // Errors lose their class on the way to another process.
        if (error instanceof UsedDpopProofsFull) return FULL;
        throw error;
      }),
    'cache.get': (key: string) => cache.get(key),
    'cache.set': (key: string, value: string) => cache.set(key, value),
  };
}

const FULL = 'full';

/** Creates the stores of a worker, which call the stores of the primary. */
export function createStoresClient(call: Call): SharedStores {
  return {
    attempts: createAttempts('attempts', call),
    proofAttempts: createAttempts('proofAttempts', call),
    usedProofs: {
      async use(proof, now, until) {
        const { jkt, jti } = proof;
        const answer = await callPrimary<boolean | typeof FULL>(
          call,
          'usedProofs.use',
          { jkt, jti },
          now,
          until,
        );
        if (answer === FULL) throw new UsedDpopProofsFull();
        return answer;
      },
    },
    cache: {
      get: (key) => callPrimary<string | null>(call, 'cache.get', key).catch(() => null),
      set: (key, value) => callPrimary<void>(call, 'cache.set', key, value).catch(() => {}),
    },
  };
}

/** Milliseconds. The ports promise an answer within about a second. */
const DEADLINE = 1_000;
const LATE = `The primary process, which holds the shared stores, did not answer within ${DEADLINE} ms.`;

const ATTEMPT_METHODS = ['begin', 'recordSuccess', 'recordRecovery', 'countAction', 'uncountAction'] as const;

function serveAttempts(name: string, attempts: Attempts): Handlers {
  return Object.fromEntries(ATTEMPT_METHODS.map((method) => [`${name}.${method}`, attempts[method]]));
}

function createAttempts(name: string, call: Call): Attempts {
  /**
   * Passes on every argument. TypeScript would also accept a function that drops the last ones. After a reload the
   * primary may be of an older release, which ignores an argument that was added at the end.
   */
  const forward =
    (method: keyof Attempts) =>
    <Result>(...args: readonly unknown[]) =>
      callPrimary<Result>(call, `${name}.${method}`, ...args);
  return {
    begin: forward('begin'),
    recordSuccess: forward('recordSuccess'),
    recordRecovery: forward('recordRecovery'),
    countAction: forward('countAction'),
    uncountAction: forward('uncountAction'),
  };
}

async function callPrimary<Result>(call: Call, name: string, ...args: readonly unknown[]): Promise<Result> {
  try {
    return await withDeadline(DEADLINE, call<Result>(name, ...args), () => new Error(LATE));
  } catch (error) {
    throw new StoreUnavailable('unknown', error);
  }
}

import { Refusal } from '../../domain/refusal.ts';
import type { Attempts, CountedAction } from '../../ports/stores/attempts.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';

/**
 * Stores a link that was counted before, and takes the count back if `store` is refused. Otherwise a stranger could use
 * up the links of an address by requests that mail nothing. If the answer of the database was lost, the link may be
 * stored, so its count stays. `counted` is undefined where no link was made.
 */
export async function uncountIfRefused<Result>(
  { attempts }: { readonly attempts: Attempts },
  counted: CountedAction | undefined,
  store: () => Promise<Result>,
): Promise<Result> {
  try {
    return await store();
  } catch (error) {
    if (counted !== undefined && isRefused(error)) await attempts.uncountAction(counted);
    throw error;
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof StoreUnavailable ? error.outcome === 'nothing' : error instanceof Refusal;
}

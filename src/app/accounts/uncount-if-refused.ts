import { Refusal } from '../../domain/refusal.ts';
import type { Attempts, CountedAction } from '../../ports/stores/attempts.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';

interface Deps {
  readonly attempts: Pick<Attempts, 'uncountAction'>;
}

/**
 * Stores a link that was counted before, and takes the count back if `store` is refused or returns false. Otherwise a
 * stranger could use up the links of an address by requests that mail nothing. If the answer of the database was lost,
 * the link may be stored, so its count stays. `counted` is undefined where no link was made.
 */
export async function uncountIfRefused<Result>(
  deps: Deps,
  counted: CountedAction | undefined,
  store: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await store();
    if (result === false) await uncount(deps, counted);
    return result;
  } catch (error) {
    if (isRefused(error)) await uncount(deps, counted);
    throw error;
  }
}

/**
 * Takes back a counted link that was not stored. If that fails, the link stays counted until its time is over. The
 * caller still answers with the cause of the refusal. The store logs its outages itself.
 */
export async function uncount({ attempts }: Deps, counted: CountedAction | undefined): Promise<void> {
  if (counted !== undefined) await attempts.uncountAction(counted).catch(() => {});
}

function isRefused(error: unknown): boolean {
  return error instanceof StoreUnavailable ? error.outcome === 'nothing' : error instanceof Refusal;
}

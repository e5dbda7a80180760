import { accountNotFound, Refusal } from '../../domain/refusal.ts';
import { type Factor, isConfirmed } from '../../domain/second-factor.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';

export interface ListedFactors {
  readonly factors: readonly Pick<Factor, 'id' | 'kind' | 'label' | 'createdAt' | 'lastUsedAt'>[];
  /** The number of unused recovery codes. */
  readonly recoveryCodes: number;
}

export type ListFactors = (userId: string) => Promise<ListedFactors>;

/** The confirmed factors of a user, oldest first. Rejects with a {@link Refusal} `not_found` without an account. */
export const listFactors =
  ({ secondFactors }: { readonly secondFactors: SecondFactors }): ListFactors =>
  async (userId) => {
    const account = await secondFactors.find(userId);
    if (account === null) throw accountNotFound();
    return { factors: account.factors.filter(isConfirmed), recoveryCodes: account.recoveryCodes.length };
  };

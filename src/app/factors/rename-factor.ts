import { Refusal } from '../../domain/refusal.ts';
import { labelFault } from '../../domain/second-factor.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';

export type RenameFactor = (input: {
  readonly userId: string;
  readonly id: string;
  readonly label: string;
}) => Promise<void>;

/** Changes the label of a confirmed factor. Rejects with a {@link Refusal}: `invalid_request`, `not_found`. */
export const renameFactor =
  ({ secondFactors }: { readonly secondFactors: SecondFactors }): RenameFactor =>
  async ({ userId, id, label }) => {
    const fault = labelFault(label);
    if (fault !== null) throw new Refusal('invalid_request', fault);
    if (!(await secondFactors.rename(userId, id, label)))
      throw new Refusal('not_found', 'There is no such factor.');
  };

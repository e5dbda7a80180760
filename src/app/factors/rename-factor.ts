import { byUser } from '../../domain/audit.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isConfirmed, labelFault } from '../../domain/second-factor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import { auditOnlyEntry } from '../change-entries.ts';

interface Deps {
  readonly secondFactors: Pick<SecondFactors, 'find' | 'rename'>;
  readonly clock: Clock;
  readonly newId: NewId;
}

export type RenameFactor = (input: {
  readonly userId: string;
  readonly id: string;
  readonly label: string;
  readonly client: ClientInfo;
}) => Promise<void>;

/**
 * Changes the label of a confirmed factor. A label that the factor has already is not recorded. Rejects with a
 * {@link Refusal}: `invalid_request`, `not_found`.
 */
export const renameFactor =
  ({ secondFactors, clock, newId }: Deps): RenameFactor =>
  async ({ userId, id, label, client }) => {
    const fault = labelFault(label);
    if (fault !== null) throw new Refusal('invalid_request', fault);
    const entry = auditOnlyEntry(newId, {
      type: 'users.factor_renamed',
      occurredAt: clock(),
      userId,
      origin: byUser(client),
      data: { factorId: id },
    });
    if (await secondFactors.rename(userId, id, label, [entry])) return;
    const account = await secondFactors.find(userId);
    if (!account?.factors.some((factor) => factor.id === id && isConfirmed(factor)))
      throw new Refusal('not_found', 'There is no such factor.');
  };

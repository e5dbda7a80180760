import { MINUTE } from '../../domain/durations.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AuditLog } from '../../ports/stores/audit-log.ts';

const BATCH = 500;

/**
 * Moves one batch of counts of wrong passwords into the audit log, once their minute is over. Returns the size of the
 * batch.
 */
export const moveFailedPasswordCounts =
  ({ auditLog, clock }: { readonly auditLog: AuditLog; readonly clock: Clock }) =>
  async (): Promise<number> => {
    const now = clock();
    return auditLog.moveFailedPasswordCounts(now - (now % MINUTE), BATCH);
  };

import { type RefusalType, refusalEvent } from '../../domain/audit.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { AuditLog } from '../../ports/stores/audit-log.ts';

export interface RefusalDeps {
  readonly auditLog: AuditLog;
  readonly clock: Clock;
  readonly newId: NewId;
}

/**
 * Records that the proof of a known user was refused. The caller must have checked a rate limit, or the key of a
 * backend.
 */
export async function recordRefusal(
  { auditLog, clock, newId }: RefusalDeps,
  type: RefusalType,
  userId: string,
  client: ClientInfo,
): Promise<void> {
  await auditLog.record(refusalEvent(newId(), type, { userId, client, at: clock() }));
}

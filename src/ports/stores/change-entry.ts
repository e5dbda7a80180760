import type { AuditEntry } from './audit-log.ts';
import type { OutboxEntry } from './outbox.ts';

/**
 * What a store records together with a change: deliveries, and events of the audit log. All of them and the change
 * commit together or not at all.
 *
 * The sessions that a change ends are recorded too. They have the origin of the first audit entry: see
 * `originOfChange`.
 */
export type ChangeEntry = OutboxEntry | AuditEntry;

import type { AuditType } from '../../domain/audit.ts';
import type { AuditLog } from '../../ports/stores/audit-log.ts';
import { type EventPage, type PageRequest, readPage } from './event-page.ts';

/**
 * The types of events that users see in their activity. The list omits the types that would show a thief how the
 * account is protected.
 */
export const ACTIVITY_TYPES = [
  'sessions.address_changed',
  'sessions.reuse_detected',
  'sessions.revoked',
  'sessions.started',
  'sessions.stepped_up',
  'sessions.user_agent_changed',
  'users.created',
  'users.email_change_cancelled',
  'users.email_changed',
  'users.email_unverified',
  'users.email_verified',
  'users.factor_added',
  'users.factor_removed',
  'users.password_changed',
  'users.username_changed',
] as const satisfies readonly AuditType[];

export type ActivityType = (typeof ACTIVITY_TYPES)[number];

export type ListActivity = (userId: string, page: Omit<PageRequest, 'newestFirst'>) => Promise<EventPage>;

/**
 * The activity of one user, newest first. Rejects with a {@link Refusal} `invalid_request` if the cursor is not valid.
 */
export const listActivity =
  ({ auditLog }: { readonly auditLog: AuditLog }): ListActivity =>
  async (userId, page) =>
    readPage(auditLog, { userId, types: ACTIVITY_TYPES }, { ...page, newestFirst: true });

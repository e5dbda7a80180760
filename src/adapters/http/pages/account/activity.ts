import type { ActivityType } from '../../../../app/audit/list-activity.ts';
import type { AuditEvent } from '../../../../domain/audit.ts';
import { reasonInWords } from '../../../../domain/life/words.ts';
import { escapeHtml } from '../../../../lib/html.ts';
import { toActivityItem } from '../../canonical/activity.ts';
import { renderTime } from './times.ts';

const WORDS: Readonly<Record<ActivityType, string>> = {
  'sessions.address_changed': 'A session moved to another network',
  'sessions.reuse_detected': 'A copied token was refused',
  'sessions.revoked': 'A session ended',
  'sessions.started': 'Login',
  'sessions.stepped_up': 'You proved again who you are',
  'sessions.user_agent_changed': 'A session was used by another browser or app',
  'users.created': 'The account was created',
  'users.email_change_cancelled': 'A change of the address was cancelled',
  'users.email_changed': 'The address was changed',
  'users.email_unverified': 'The address must be confirmed again',
  'users.email_verified': 'The address was confirmed',
  'users.factor_added': 'A second factor was added',
  'users.factor_removed': 'A second factor was removed',
  'users.password_changed': 'The password was changed',
  'users.username_changed': 'The name was changed',
};

/** HTML: the newest activity of an account, as a section of the account page. */
export function activitySection(events: readonly AuditEvent[]): string {
  if (events.length === 0) return '';
  return `<h2>Recent activity</h2>
<p>If you do not recognize something, <a href="/account/password">change your password</a>.</p>
<ul>
${events.map(activityLine).join('\n')}
</ul>
`;
}

function wordsFor({ type, data }: AuditEvent): string {
  if (type === 'users.factor_added' && data.kind === 'recovery_code') return 'New recovery codes were made';
  return WORDS[type as ActivityType];
}

function activityLine(event: AuditEvent): string {
  const { by, ip, userAgent, reason } = toActivityItem(event);
  const cause = reason === undefined ? '' : ` (${escapeHtml(reasonInWords(reason))})`;
  const what = `${wordsFor(event)}${cause}`;
  const actor = by === 'operator' || by === 'service_key' ? ', by an operator or a program' : '';
  const address = ip === undefined ? '' : `, from ${escapeHtml(ip)}`;
  const device = userAgent === undefined ? '' : `, <bdi>${escapeHtml(userAgent)}</bdi>`;
  return `<li>${what}: ${renderTime(event.occurredAt)}${address}${device}${actor}</li>`;
}

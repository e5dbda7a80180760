import { DAY } from '../../domain/durations.ts';
import type { EmailLinkPurpose } from '../../domain/email-address.ts';
import type { DomainEvent } from '../../domain/events.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';

interface Deps {
  readonly links: LinkSecrets;
  readonly publicUrl: string;
}

/** The URL of the page for the user's reaction to an event; null if the event has no page. */
export type LinkTo = (event: DomainEvent) => string | null;

/** How long after the event the link in a mail can end sessions, in milliseconds. */
const NOT_ME_LINK_AGE = 7 * DAY;

/** Makes a link when a mail is sent, so that no stored value can be used as a link. Links lead only to this service. */
export const linkTo = ({ links, publicUrl }: Deps): LinkTo => {
  return ({ type, data, occurredAt }) => {
    switch (type) {
      case 'sessions.address_changed':
      case 'sessions.user_agent_changed':
      case 'sessions.started_on_new_device':
      case 'sessions.dpop_refused':
        return notMe(data.sessionId, data.userId, occurredAt);
      // The session has ended, or no session is known: the link ends all sessions of the user.
      case 'sessions.reuse_detected':
      case 'sessions.revoked':
      case 'users.password_changed':
      case 'users.factor_added':
      case 'users.factor_removed':
        return notMe(null, data.userId, occurredAt);
      case 'users.password_forgotten':
      case 'users.invited':
        return `${publicUrl}/auth/password/reset?token=${encodeURIComponent(links.makeResetSecret(data.resetId))}`;
      case 'users.email_verification_requested':
        return email('verify', data.linkId);
      case 'users.email_change_requested':
        return email('change', data.linkId);
      case 'users.email_change_announced':
        return 'linkId' in data ? email('undo', data.linkId) : null;
      default:
        return null;
    }
  };

  function email(purpose: EmailLinkPurpose, linkId: string): string {
    return `${publicUrl}/auth/email/${purpose}?token=${encodeURIComponent(links.makeAddressSecret(linkId))}`;
  }

  function notMe(sessionId: string | null, userId: string, occurredAt: number): string {
    const token = links.makeNotMeToken(sessionId, userId, occurredAt + NOT_ME_LINK_AGE);
    return `${publicUrl}/auth/not-me?token=${encodeURIComponent(token)}`;
  }
};

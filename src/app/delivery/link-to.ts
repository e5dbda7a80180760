import type { DomainEvent } from '../../domain/events.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';

/** The URL of the page for the user's reaction to an event; null if the event has no page. */
export type LinkTo = (event: DomainEvent) => string | null;

/** How long after the event the link in a mail can end the session, in milliseconds. */
const NOT_ME_FOR = 7 * 86_400_000;

/** Makes a link when a mail is sent, so that no stored value can be used as a link. Links lead only to this service. */
export const linkTo =
  ({ links, publicUrl }: { readonly links: LinkSecrets; readonly publicUrl: string }): LinkTo =>
  ({ type, data, occurredAt }) => {
    switch (type) {
      case 'sessions.reuse_detected':
      case 'sessions.address_changed':
      case 'sessions.user_agent_changed': {
        const token = links.notMe(data.sessionId, data.userId, occurredAt + NOT_ME_FOR);
        return `${publicUrl}/auth/not-me?token=${encodeURIComponent(token)}`;
      }
      case 'users.password_forgotten':
        return `${publicUrl}/auth/password/reset?token=${encodeURIComponent(links.reset(data.resetId))}`;
      default:
        return null;
    }
  };

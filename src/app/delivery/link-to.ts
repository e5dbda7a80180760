import type { DomainEvent } from '../../domain/events.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';

/** The address of the page on which a user can act on an event; null where there is none. */
export type LinkTo = (event: DomainEvent) => string | null;

/** How long after the event a mail's button ends the session. */
const NOT_ME_FOR = 7 * 86_400_000;

/** Links are made when a mail is sent, so that no stored fact opens one; they lead to this service alone. */
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

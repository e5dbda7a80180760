import type { ChangeOrigin } from '../../domain/audit.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import { accountNotFound, Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EndableSessions, LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { Users } from '../../ports/stores/users.ts';
import { openPasswordReset, type PasswordResetDeps } from '../accounts/mail-password-reset.ts';
import { type EndSessionDeps, endAllSessions, endOneSession } from '../revocation/end-sessions.ts';

interface Deps {
  readonly links: LinkSecrets;
  readonly users: Pick<Users, 'find'>;
  readonly clock: Clock;
}

/** What a mailed link can end. `username` is null where another system keeps the account. */
export interface NotMeLink extends EndableSessions {
  readonly username: string | null;
}

export type ReadNotMeLink = (token: string) => Promise<NotMeLink>;

/** Reads a mailed link, and ends no session. Rejects with a {@link Refusal} `invalid_link`. */
export const readNotMeLink =
  (deps: Deps): ReadNotMeLink =>
  async (token) =>
    readLink(deps, token);

export type EndSessionsByLink = (token: string, origin: ChangeOrigin) => Promise<NotMeLink>;

/**
 * Ends the sessions of a mailed link. A session that has already ended is no error. Rejects with a {@link Refusal}
 * `invalid_link`.
 */
export const endSessionsByLink =
  (deps: Deps & EndSessionDeps): EndSessionsByLink =>
  async (token, origin) => {
    const link = await readLink(deps, token);
    const { sessionId, userId } = link;
    const ending = { reason: 'not_me', origin } as const;
    if (sessionId === null) await endAllSessions(deps, userId, null, ending);
    else await endOneSession(deps, { sessionId, userId }, ending);
    return link;
  };

export type MailPasswordResetByLink = (token: string, client: ClientInfo) => Promise<void>;

/**
 * Mails a link for a new password to the user of a mailed link. The answer may say what happened, because the caller
 * has the token of a mail. Rejects with a {@link Refusal}: `invalid_link`, `not_found`, `too_many_requests`.
 */
export const mailPasswordResetByLink =
  (deps: Deps & PasswordResetDeps & { readonly users: Users }): MailPasswordResetByLink =>
  async (token, client) => {
    const { userId } = sessionsOf(deps, token);
    const user = await deps.users.find(userId);
    if (user === null) throw accountNotFound();
    await openPasswordReset(deps, user, client);
  };

async function readLink(deps: Deps, token: string): Promise<NotMeLink> {
  const sessions = sessionsOf(deps, token);
  const user = await deps.users.find(sessions.userId);
  return { ...sessions, username: user?.username ?? null };
}

function sessionsOf({ links, clock }: Deps, token: string): EndableSessions {
  const sessions = links.readNotMeToken(token, clock());
  if (sessions !== null) return sessions;
  throw new Refusal(
    'invalid_link',
    'The link has expired, or a part of it is missing. If you do not recognize a session, log in, end it in the ' +
      'list of your sessions, and change your password.',
  );
}

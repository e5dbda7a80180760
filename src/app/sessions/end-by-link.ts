import { Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import { type EndSessionDeps, endSession } from './end-session.ts';
import type { SessionOfUser } from './log-out.ts';

interface Deps {
  readonly links: LinkSecrets;
  readonly clock: Clock;
}

/** The session of a mailed link. Rejects with a {@link Refusal} `forbidden` if the link is not valid or has expired. */
export const readNotMeLink =
  ({ links, clock }: Deps) =>
  async (token: string): Promise<SessionOfUser> => {
    const session = links.readNotMe(token, clock());
    if (session === null) throw new Refusal('forbidden', 'This link is not valid, or has expired.');
    return session;
  };

/** Ends the session of a mailed link. A session that has already ended is no error. */
export const endByLink = (deps: Deps & EndSessionDeps) => {
  const read = readNotMeLink(deps);
  const end = endSession(deps);

  return async (token: string, address?: string): Promise<void> => {
    const { sessionId, userId } = await read(token);
    await end(sessionId, userId, 'not_me', address);
  };
};

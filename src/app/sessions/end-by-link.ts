import { Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import { type EndSessionDeps, endOne } from '../revocation/end-sessions.ts';
import type { SessionOfUser } from './log-out.ts';

interface Deps {
  readonly links: LinkSecrets;
  readonly clock: Clock;
}

export type ReadNotMeLink = (token: string) => Promise<SessionOfUser>;

/** The session of a mailed link. Rejects with a {@link Refusal} `forbidden` if the link is not valid or has expired. */
export const readNotMeLink =
  (deps: Deps): ReadNotMeLink =>
  async (token) =>
    sessionOfLink(deps, token);

export type EndByLink = (token: string, address?: string) => Promise<void>;

/** Ends the session of a mailed link. A session that has already ended is no error. */
export const endByLink =
  (deps: Deps & EndSessionDeps): EndByLink =>
  async (token, address) => {
    await endOne(deps, sessionOfLink(deps, token), { reason: 'not_me', address });
  };

function sessionOfLink({ links, clock }: Deps, token: string): SessionOfUser {
  const session = links.readNotMe(token, clock());
  if (session === null) throw new Refusal('forbidden', 'This link is not valid, or has expired.');
  return session;
}

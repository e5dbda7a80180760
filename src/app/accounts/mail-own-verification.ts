import type { ClientInfo } from '../../domain/client-info.ts';
import type { EmailLinks } from '../../ports/stores/email-links.ts';
import type { Users } from '../../ports/stores/users.ts';
import {
  type PrepareVerificationDeps,
  prepareVerificationWithinLimit,
  requesterOf,
} from './prepare-verification.ts';
import { uncountIfRefused } from './uncount-if-refused.ts';

interface Deps extends PrepareVerificationDeps {
  readonly users: Pick<Users, 'find'>;
  readonly emailLinks: Pick<EmailLinks, 'add'>;
}

export type MailOwnVerification = (input: { userId: string; client: ClientInfo }) => Promise<string | null>;

/**
 * Mails another verification link to a signed-in user, and returns the address. Null, and no mail, if the address needs
 * no proof, or if the user has no account here. The user may know the limit of links, unlike the callers of
 * `mailVerification`: rejects with a {@link Refusal} `too_many_requests` if it is reached.
 */
export const mailOwnVerification =
  (deps: Deps): MailOwnVerification =>
  async ({ userId, client }) => {
    const user = await deps.users.find(userId);
    if (user === null) return null;
    const prepared = await prepareVerificationWithinLimit(deps, user, requesterOf(client));
    if (prepared === null) return null;
    const { link, entries, counted } = prepared;
    await uncountIfRefused(deps, counted, () => deps.emailLinks.add(link, entries));
    return user.email;
  };

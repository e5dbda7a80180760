import type { ClientInfo } from '../../domain/client-info.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { DeferWork } from '../../ports/defer-work.ts';
import type { EmailLinks } from '../../ports/stores/email-links.ts';
import type { Users } from '../../ports/stores/users.ts';
import { type PrepareVerificationDeps, prepareVerification, requesterOf } from './prepare-verification.ts';
import { uncountIfRefused } from './uncount-if-refused.ts';

interface Deps extends PrepareVerificationDeps {
  readonly users: Pick<Users, 'findByIdentifier'>;
  readonly emailLinks: Pick<EmailLinks, 'add'>;
  readonly deferWork: DeferWork;
}

export type MailVerification = (input: { email: string; client: ClientInfo }) => Promise<void>;

/**
 * Mails another verification link, if an account has this address and has not verified it. The promise resolves
 * before the link is made, so that the response time does not reveal whether the account exists.
 */
export const mailVerification = (deps: Deps): MailVerification => {
  const { users, emailLinks, deferWork } = deps;

  return async ({ email, client }) => {
    const user = await users.findByIdentifier(identifierOf(email));
    if (user === null) return;
    const failure = { userId: user.id, message: 'a link to prove an address was not sent' };
    deferWork(() => sendLink(user, client), failure);
  };

  async function sendLink(user: User, client: ClientInfo): Promise<void> {
    const prepared = await prepareVerification(deps, user, requesterOf(client));
    if (prepared === null) return;
    const { link, entries, counted } = prepared;
    await uncountIfRefused(deps, counted, () => emailLinks.add(link, entries));
  }
};

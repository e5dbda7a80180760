import type { ClientInfo } from '../../domain/client-info.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { Log } from '../../ports/log.ts';
import type { EmailLinks } from '../../ports/stores/email-links.ts';
import type { Users } from '../../ports/stores/users.ts';
import { type PrepareVerificationDeps, prepareVerification, requesterOf } from './prepare-verification.ts';

interface Deps extends PrepareVerificationDeps {
  readonly users: Pick<Users, 'findByIdentifier'>;
  readonly emailLinks: Pick<EmailLinks, 'add'>;
  readonly log: Log;
}

export type MailVerification = (input: { email: string; client: ClientInfo }) => Promise<void>;

/**
 * Mails another verification link, if an account has this address and has not verified it. The promise resolves
 * before the link is made, so that the response time does not reveal whether the account exists.
 */
export const mailVerification = (deps: Deps): MailVerification => {
  const { users, emailLinks, attempts, log } = deps;

  return async ({ email, client }) => {
    const user = await users.findByIdentifier(identifierOf(email));
    if (user === null) return;
    void sendLink(user, client).catch((error: unknown) => {
      log.error({ err: error, userId: user.id }, 'a link to prove an address was not sent');
    });
  };

  async function sendLink(user: User, client: ClientInfo): Promise<void> {
    const prepared = await prepareVerification(deps, user, requesterOf(client));
    if (prepared === null) return;
    const { link, entries, counted } = prepared;
    if (!(await emailLinks.add(link, entries))) await attempts.uncountAction(counted);
  }
};

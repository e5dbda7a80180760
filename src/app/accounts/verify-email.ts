import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { User } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { EmailLinks } from '../../ports/stores/email-links.ts';
import { changeEntries } from '../change-entries.ts';

interface Deps {
  readonly emailLinks: EmailLinks;
  readonly links: LinkSecrets;
  readonly clock: Clock;
}

export type CheckVerificationLink = (token: string) => Promise<Pick<User, 'username' | 'email'>>;

/**
 * Reads the account of a link without using the link up. Rejects with a {@link Refusal} `invalid_link` if the link is
 * not valid.
 */
export const checkVerificationLink =
  (deps: Deps): CheckVerificationLink =>
  async (token) => {
    const { username, email } = await userOf(deps, deps.links.hashSecret(token));
    return { username, email };
  };

export type VerifyEmail = (input: { token: string; client: ClientInfo }) => Promise<void>;

/** Uses a link: the address of its account is verified. Rejects with a {@link Refusal} `invalid_link`. */
export const verifyEmail =
  (deps: Deps & { readonly newId: NewId; readonly securityLog: SecurityLog }): VerifyEmail =>
  async ({ token, client }) => {
    const { emailLinks, links, clock, newId, securityLog } = deps;
    const at = clock();
    const hashedToken = links.hashSecret(token);
    const { id: userId } = await userOf(deps, hashedToken);
    const data = { userId, ...clientFacts(client) };
    const event = { type: 'users.email_verified', occurredAt: at, data } as const;
    if (!(await emailLinks.verify(hashedToken, at, changeEntries(newId, byUser(client), [{ event }]))))
      throw invalidLink();
    securityLog('email_verified', { userId, address: client.address });
  };

async function userOf({ emailLinks, clock }: Deps, hashedToken: string): Promise<User> {
  const user = await emailLinks.findVerification(hashedToken, clock());
  if (user === null) throw invalidLink();
  return user;
}

function invalidLink(): Refusal {
  return new Refusal(
    'invalid_link',
    'It was used before, or it has expired. If you have just confirmed the address, log in. Otherwise ask for a new ' +
      'link where you log in.',
  );
}

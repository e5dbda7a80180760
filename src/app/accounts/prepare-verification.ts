import { byUser, type ChangeOrigin } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import {
  EMAIL_LINK_AGE,
  EMAIL_LINK_LIMIT,
  type EmailVerification,
  needsVerification,
} from '../../domain/email-address.ts';
import type { ByOperator } from '../../domain/events.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts, CountedAction } from '../../ports/stores/attempts.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { EmailLink } from '../../ports/stores/email-links.ts';
import { changeEntries } from '../change-entries.ts';

export interface PrepareVerificationDeps {
  readonly attempts: Attempts;
  readonly links: LinkSecrets;
  readonly emailVerification: EmailVerification;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

/** A link, and the mail that carries it. If the link is not stored, the caller must take back `counted`. */
export interface PreparedLink {
  readonly link: EmailLink;
  readonly entries: readonly ChangeEntry[];
  readonly counted: CountedAction;
}

/** Who requests a link: the origin for the audit log, and the facts for the mail. */
interface Requester {
  readonly origin: ChangeOrigin;
  readonly facts: Pick<ClientInfo, 'address' | 'userAgent'> | ByOperator;
}

/** The requester is the user, at this client. */
export function requesterOf(client: ClientInfo): Requester {
  return { origin: byUser(client), facts: clientFacts(client) };
}

/**
 * Makes a link that proves the address of an account. Null if the address needs no proof, or if its limit of links is
 * reached. Counts by address: deleting the account and registering again does not reset the limit.
 */
export async function prepareVerification(
  deps: PrepareVerificationDeps,
  user: User,
  { origin, facts }: Requester,
): Promise<PreparedLink | null> {
  const { attempts, links, emailVerification, clock, newId, securityLog } = deps;
  if (!needsVerification(user, emailVerification)) return null;
  const now = clock();
  const { id: userId, email } = user;
  const counted = { key: `verify ${identifierOf(email)}`, at: now };
  const { allowed } = await attempts.countAction(counted.key, EMAIL_LINK_LIMIT, counted.at);
  if (!allowed) {
    securityLog('limit_reached', {
      limit: 'verification-mails',
      userId,
      ...(origin.address !== null && { address: origin.address }),
    });
    return null;
  }
  const linkId = links.makeLinkId(newId());
  const event = {
    type: 'users.email_verification_requested',
    occurredAt: now,
    data: { userId, linkId, email, ...facts },
  } as const;
  const link = {
    hashedToken: links.hashSecret(links.makeAddressSecret(linkId)),
    userId,
    purpose: 'verify',
    email,
    expiresAt: now + EMAIL_LINK_AGE.verify,
  } as const;
  return { link, entries: changeEntries(newId, origin, [{ event }]), counted };
}

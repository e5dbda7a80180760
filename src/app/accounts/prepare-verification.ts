import { byUser, type ChangeOrigin } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import {
  EMAIL_LINK_AGE,
  EMAIL_LINK_LIMIT,
  type EmailVerification,
  needsVerification,
} from '../../domain/email-address.ts';
import type { ByOperator } from '../../domain/events.ts';
import { Refusal } from '../../domain/refusal.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts, CountedAction } from '../../ports/stores/attempts.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { EmailLink } from '../../ports/stores/email-links.ts';
import { changeEntries } from '../change-entries.ts';
import { assertWithinLimit } from './assert-within-limit.ts';

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

const LIMIT_REACHED = `An address gets at most ${EMAIL_LINK_LIMIT.count} of these links a day.`;
const LIMIT = { name: 'verification-mails', ...EMAIL_LINK_LIMIT };

/**
 * Makes a link that proves the address of an account. Null if the address needs no proof, or if its limit of links is
 * reached. See {@link prepareVerificationWithinLimit}.
 */
export async function prepareVerification(
  deps: PrepareVerificationDeps,
  user: User,
  requester: Requester,
): Promise<PreparedLink | null> {
  try {
    return await prepareVerificationWithinLimit(deps, user, requester);
  } catch (error) {
    if (error instanceof Refusal && error.limit === LIMIT) return null;
    throw error;
  }
}

/**
 * Makes a link that proves the address of an account. Null if the address needs no proof. Rejects with a
 * {@link Refusal} `too_many_requests` if the limit of links is reached. Counts by address: deleting the account and
 * registering again does not reset the limit.
 */
export async function prepareVerificationWithinLimit(
  deps: PrepareVerificationDeps,
  user: User,
  { origin, facts }: Requester,
): Promise<PreparedLink | null> {
  const { links, emailVerification, newId } = deps;
  if (!needsVerification(user, emailVerification)) return null;
  const { id: userId, email } = user;
  const who = { userId, ...(origin.address !== null && { address: origin.address }) };
  const counted = await assertWithinLimit(
    deps,
    { key: `verify ${identifierOf(email)}`, limit: LIMIT, detail: LIMIT_REACHED },
    who,
  );
  const now = counted.at;
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

import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { RESERVED_FOR } from '../../domain/email-address.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { EmailChanges, FoundChange } from '../../ports/stores/email-changes.ts';
import { changeEntries } from '../change-entries.ts';

export interface EmailLinkDeps {
  readonly emailChanges: EmailChanges;
  readonly links: LinkSecrets;
  readonly clock: Clock;
}

/** The account of a link, and the address that the link sets. */
export interface EmailChangeLink {
  readonly username: string;
  readonly email: string;
}

export type CheckEmailChangeLink = (token: string) => Promise<EmailChangeLink>;

/** Reads a link without using it up. Rejects with a {@link Refusal} `invalid_link` if the link is not valid. */
export const checkEmailChangeLink =
  (deps: EmailLinkDeps, purpose: 'change' | 'undo'): CheckEmailChangeLink =>
  async (token) => {
    const { user, email } = await findChange(deps, token, purpose);
    return { username: user.username, email };
  };

export type ChangeEmail = (input: { token: string; client: ClientInfo }) => Promise<void>;

/** Uses a link: the account gets the new address. Rejects with a {@link Refusal}: `invalid_link`, `conflict`. */
export const changeEmail =
  (deps: EmailLinkDeps & { readonly newId: NewId; readonly securityLog: SecurityLog }): ChangeEmail =>
  async ({ token, client }) => {
    const { emailChanges, links, clock, newId, securityLog } = deps;
    const at = clock();
    const { user } = await findChange(deps, token, 'change');
    const data = { userId: user.id, undone: false, ...clientFacts(client) };
    const entries = changeEntries(newId, byUser(client), [
      { event: { type: 'users.email_changed', occurredAt: at, data } },
    ]);
    const times = { at, reservedUntil: at + RESERVED_FOR };
    const result = await emailChanges.apply(links.hashSecret(token), times, entries);
    if (result === 'invalid') throw invalidLink();
    if (result === 'taken') throw new Refusal('conflict');
    securityLog('email_changed', { userId: user.id, address: client.address });
  };

export async function findChange(
  { emailChanges, links, clock }: EmailLinkDeps,
  token: string,
  purpose: 'change' | 'undo',
): Promise<FoundChange> {
  const found = await emailChanges.find(links.hashSecret(token), purpose, clock());
  if (found === null) throw invalidLink();
  return found;
}

export function invalidLink(): Refusal {
  return new Refusal(
    'invalid_link',
    'It was used before, it has expired, or another change of the address has cancelled it.',
  );
}
